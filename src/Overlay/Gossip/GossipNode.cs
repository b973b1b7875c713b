using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Gossip.Links;
using Overlay.Gossip.Messages;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Wire;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Gossip;

/// <summary>The thin shell around <see cref="GossipRouter"/>: streams, clock, threads. Every call into the router is under one lock, and what it wants done is queued under the same.</summary>
/// <remarks>Safe on several threads. This file composes and serves the face; <c>GossipNode.Peers.cs</c> keeps the streams, <c>GossipNode.Checks.cs</c> judges messages.</remarks>
internal sealed partial class GossipNode : IAsyncDisposable
{
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(2);

    private readonly PeerHost _host;
    private readonly GossipOptions _options;
    private readonly DialableAddresses? _dialable; // null: all as they are
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly MessageSigner _signer;
    private readonly Func<IReadOnlyList<PendingMessage>, bool[]> _checkSignatures;
    private readonly long _startedAt;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _tasks = new();
    private readonly TaskSet _linkTasks = new();
    private readonly Lock _lock = new();

    // Guarded by the lock, as is everything that they hold.
    private readonly GossipRouter _router;
    private readonly RpcEncoder _encoder = new();
    private readonly Dictionary<string, List<GossipSubscription>> _subscriptions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GossipValidator> _validators = new(StringComparer.Ordinal);

    private TimeSpan _timerDue = TimeSpan.MaxValue;

    private readonly ITimer _timer;
    private readonly List<IDisposable> _handlers = [];
    private int _disposed;

    internal GossipNode(
        PeerIdentity identity, PeerHost host, GossipOptions options, TimeProvider time, ILogger logger,
        Random? random = null, DialableAddresses? dialable = null, Func<IReadOnlyList<PendingMessage>, bool[]>? checkSignatures = null, IMeterFactory? meters = null)
    {
        _host = host;
        _dialable = dialable;
        _checkSignatures = checkSignatures ?? SignatureCheck.HoldVarTime;
        _options = options;
        _time = time;
        _logger = logger;
        _startedAt = time.GetTimestamp();
        _router = new GossipRouter(options, host.PeerId, random ?? new Random());
        _timer = time.CreateTimer(static node => ((GossipNode)node!).Elapse(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _signer = new MessageSigner(identity, options.Signing, FirstSequence());
        foreach ((string protocol, GossipVersion version) in s_protocols)
            _handlers.Add(host.Protocols.Handle(protocol, (stream, cancellation) => ReadAsync(stream, version, cancellation), maxStreamsPerConnection: 2));
        if (meters is not null) GossipMetrics.Create(meters, Measure);
        _tasks.Run(HeartbeatLoopAsync);
        _tasks.Run(PeerLoopAsync);
        _tasks.Run(CheckLoopAsync);
        _tasks.Run(DialLoopAsync);
    }

    internal PeerId Self => _host.PeerId;

    private GossipFigures Measure()
    {
        lock (_lock)
        {
            GossipCounts counts = _router.Counts;
            return new(
                _router.Peers.Count, _router.MeshCount, counts.Published, counts.Delivered, counts.Duplicate, counts.Rejected, counts.Ignored, counts.Overflowed,
                counts.BytesSent, counts.Dropped);
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(_startedAt);

    /// <summary>Takes a topic's messages.</summary>
    internal GossipSubscription Subscribe(string topic)
    {
        CheckTopic(topic);
        var subscription = new GossipSubscription(topic, _options.Limits, End);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            if (!_subscriptions.TryGetValue(topic, out List<GossipSubscription>? all)) _subscriptions.Add(topic, all = []);
            all.Add(subscription);
            _router.Join(Now, topic);
            Act();
        }

        return subscription;
    }

    /// <summary>Judges a topic's messages before they are delivered and passed on. One validator for each topic.</summary>
    internal IDisposable Validate(string topic, GossipValidator validator)
    {
        CheckTopic(topic);
        lock (_lock)
        {
            if (!_validators.TryAdd(topic, validator)) throw new ArgumentException($"'{topic}' has a validator already.", nameof(topic));
        }

        return new Undo(() =>
        {
            lock (_lock) _validators.Remove(topic);
        });
    }

    /// <summary>Sends a message; waits while no peer that it goes to has room for it.</summary>
    /// <returns>To how many peers it was queued.</returns>
    internal ValueTask<int> PublishAsync(string topic, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => PublishAsync(topic, data, _signer, cancellationToken);

    /// <summary>Who signs what is sent under a name; one for all that is sent under it, since it numbers the messages.</summary>
    internal MessageSigner SignerOf(PeerIdentity author) => author.PeerId == Self ? _signer : new(author, _options.Signing, FirstSequence());

    /// <summary>Sends a message under whatever name. Those connected see all the same from whom it came to them first.</summary>
    internal async ValueTask<int> PublishAsync(string topic, ReadOnlyMemory<byte> data, MessageSigner signer, CancellationToken cancellationToken)
    {
        CheckTopic(topic);
        if (data.Length > _options.Limits.MaxMessageSize - Overhead(topic))
            throw new ArgumentException($"A message on '{topic}' has at most {_options.Limits.MaxMessageSize - Overhead(topic)} bytes, not {data.Length}.", nameof(data));
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        await WhenRoomAsync(topic, cancellationToken).ConfigureAwait(false);
        byte[] encoded = signer.Make(topic, data.Span);
        WireMessage.TryParse(encoded, _options.Limits, out WireMessage? message);
        lock (_lock)
        {
            if (_router.Publish(Now, message!) is not { } published) return 0;
            Act();
            if (_options.DeliversOwn) Deliver(published.Message);
            return published.Peers;
        }
    }

    /// <summary>Topics that somebody takes messages of, this node or a connected peer.</summary>
    internal IReadOnlyList<string> Topics
    {
        get
        {
            lock (_lock) return _router.Topics;
        }
    }

    /// <summary>Connected peers that take a topic's messages.</summary>
    internal IReadOnlyList<PeerId> PeersOf(string topic)
    {
        lock (_lock) return [.. (_router.FindTopic(topic)?.Peers ?? []).Select(peer => peer.Id)];
    }

    /// <summary>Peers of the own mesh.</summary>
    internal IReadOnlyList<PeerId> MeshOf(string topic)
    {
        lock (_lock) return [.. (_router.FindTopic(topic)?.Mesh ?? []).Select(peer => peer.Id)];
    }

    internal double? ScoreOf(PeerId peer)
    {
        lock (_lock) return _router.FindPeer(peer) is { } known ? _router.ScoreOf(known) : null;
    }

    /// <summary>What a peer that is gossiped with says of its own addresses; empty when it has said nothing.</summary>
    internal ReadOnlyMemory<byte> SignedRecordOf(PeerId peer)
    {
        lock (_lock) return _router.FindPeer(peer)?.SignedRecord ?? default;
    }

    /// <summary>Sends what still waits, for 2 s at most, ends the streams and the subscriptions, and waits for everything that was begun.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        foreach (IDisposable handler in _handlers) handler.Dispose();
        lock (_lock)
        {
            foreach (PeerLink link in _links.Values) link.Queue.Finish();
        }

        try
        {
            await _linkTasks.DrainAsync().WaitAsync(s_goodbye, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The rest is lost, as it would be with the connection.
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _linkTasks.DrainAsync().ConfigureAwait(false);
        await _tasks.DrainAsync().ConfigureAwait(false);
        lock (_lock)
        {
            foreach (GossipSubscription subscription in _subscriptions.Values.SelectMany(all => all)) subscription.Complete();
            _subscriptions.Clear();
        }

        _stopping.Dispose();
    }

    private async Task HeartbeatLoopAsync()
    {
        using var timer = new PeriodicTimer(_options.HeartbeatInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false)) Beat();
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private void Beat() => Guarded(() =>
    {
        lock (_lock)
        {
            try
            {
                _router.Heartbeat(Now);
            }
            finally
            {
                Act();
            }
        }
    });

    /// <summary>Whatever goes wrong in one turn of a loop, the next one comes: a node whose heart stops would fill its tables and lose its meshes.</summary>
    private void Guarded(Action turn)
    {
        try
        {
            turn();
        }
#pragma warning disable CA1031 // The host application's functions run in here, too, and may throw anything.
        catch (Exception e)
#pragma warning restore CA1031
        {
            GossipLog.TurnFailed(_logger, e);
        }
    }

    /// <summary>Does what the router wants done: all of it only puts something into a queue. The caller holds the lock.</summary>
    private void Act()
    {
        foreach (GossipAction action in _router.TakeActions())
        {
            switch (action)
            {
                case GossipAction.Send send:
                    Send(send.Peer, send.Rpc);
                    break;
                case GossipAction.Check check:
                    _checks.Writer.TryWrite(check.Message);
                    break;
                case GossipAction.Deliver deliver:
                    Deliver(deliver.Message);
                    break;
                case GossipAction.Dial dial:
                    _dials.Writer.TryWrite(dial);
                    break;
            }
        }

        if (_router.NextDue is not { } due || due >= _timerDue) return;
        _timerDue = due;
        // Rounded up to what a timer can do, so that it does not fire just before.
        _timer.Change(TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling((due - Now).TotalMilliseconds))), Timeout.InfiniteTimeSpan);
    }

    private void Elapse() => Guarded(() =>
    {
        lock (_lock)
        {
            _timerDue = TimeSpan.MaxValue;
            _router.Elapse(Now);
            Act();
        }
    });

    private void Deliver(GossipMessage message)
    {
        if (!_subscriptions.TryGetValue(message.Topic, out List<GossipSubscription>? all)) return;
        foreach (GossipSubscription subscription in all) subscription.Add(message);
    }

    private void End(GossipSubscription subscription)
    {
        subscription.Complete();
        lock (_lock)
        {
            if (!_subscriptions.TryGetValue(subscription.Topic, out List<GossipSubscription>? all) || !all.Remove(subscription) || all.Count > 0) return;
            _subscriptions.Remove(subscription.Topic);
            _router.Leave(Now, subscription.Topic);
            Act();
        }
    }

    private async ValueTask WhenRoomAsync(string topic, CancellationToken cancellationToken)
    {
        Task[] crowded;
        lock (_lock)
        {
            if (_router.FindTopic(topic) is not { } state || state.Peers.Count == 0) return;
            SendQueue[] queues = [.. state.Peers.Where(_links.ContainsKey).Select(peer => _links[peer].Queue)];
            if (queues.Length == 0 || queues.Any(queue => !queue.IsCrowded)) return;
            crowded = [.. queues.Select(queue => queue.WhenRoomAsync())];
        }

        await Task.WhenAny(crowded).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    // The clock's nanoseconds: greater than any number of an earlier run.
    private ulong FirstSequence() => (ulong)(_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    private void CheckTopic(string topic)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        if (System.Text.Encoding.UTF8.GetByteCount(topic) > _options.Limits.MaxTopicSize)
            throw new ArgumentException($"A topic has at most {_options.Limits.MaxTopicSize} bytes.", nameof(topic));
        if (!_options.Allows(topic)) throw new ArgumentException($"'{topic}' is not among the allowed topics.", nameof(topic));
    }

    // Author 46, sequence 10, signature 66, heads of topic and data 10.
    private static int Overhead(string topic) => 132 + System.Text.Encoding.UTF8.GetByteCount(topic);

    private sealed class Undo(Action action) : IDisposable
    {
        private Action? _action = action;

        public void Dispose() => Interlocked.Exchange(ref _action, null)?.Invoke();
    }
}
