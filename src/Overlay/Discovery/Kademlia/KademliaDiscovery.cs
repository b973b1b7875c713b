using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>The DHT over a host's connections: runs one <see cref="KademliaNode"/>, carries its requests, answers others, and gives callers their
/// results.</summary>
/// <remarks>
/// Safe on several threads. One lock guards the node, held only while it thinks; one timer wakes it. Split by task: this file runs the node and is what callers
/// see, <c>KademliaDiscovery.Serving.cs</c> answers other peers' streams.
/// </remarks>
internal sealed partial class KademliaDiscovery : IAsyncDisposable
{
    // Requests under way at once, of all lookups: beyond, a request waits its turn.
    private const int MaxRequests = 64;

    private static readonly TimeSpan s_ownAddressAge = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly PeerHost _host;
    private readonly KademliaOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly KademliaMetrics? _metrics;
    private readonly KademliaNode _node;
    private readonly KademliaRequests _requests;
    private readonly Func<IReadOnlyList<Multiaddr>> _ownAddresses;
    private readonly long _startedAt;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _requestSlots = new(MaxRequests);
    private readonly RunningRequests _running;
    private readonly Dictionary<Operation, Action<Operation>> _waiting = [];
    private readonly Dictionary<Operation, ChannelWriter<PeerInfo>> _finding = [];
    private IDisposable? _registration;
    private TimeSpan? _ownReadAt;
    private bool _disposed;

    /// <summary>Makes a node that is in no network until it is started.</summary>
    /// <param name="host">Whose connections are used. Disposed after this.</param>
    /// <param name="options">Limits, deadlines and intervals.</param>
    /// <param name="ownAddresses">Addresses at which others can dial this node; null for those that the host listens at.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where logs go.</param>
    /// <param name="metrics">Where counts go, or null.</param>
    /// <param name="dialable">Which of the addresses that peers told may be dialled; null to dial all as they are.</param>
    internal KademliaDiscovery(
        PeerHost host, KademliaOptions options, Func<IReadOnlyList<Multiaddr>>? ownAddresses, TimeProvider time, ILogger logger, KademliaMetrics? metrics = null,
        DialableAddresses? dialable = null)
    {
        _host = host;
        _options = options;
        _ownAddresses = ownAddresses ?? (() => host.ListenAddresses);
        _time = time;
        _logger = logger;
        _metrics = metrics;
        _requests = new KademliaRequests(host, options, dialable);
        _running = new RunningRequests(_stopping.Token);
        _startedAt = time.GetTimestamp();
        // A stranger who could foresee which places are refreshed could wait there.
        int seed = System.Security.Cryptography.RandomNumberGenerator.GetInt32(int.MaxValue);
        _node = new KademliaNode(new Contact(host.PeerId, []), options, new Random(seed), time.GetUtcNow());
        _timer = time.CreateTimer(static state => ((KademliaDiscovery)state!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Told of every peer that has answered under its own name at an address that was dialled. Called on the thread pool, outside of any
    /// lock.</summary>
    internal Action<PeerId, IReadOnlyList<Multiaddr>>? PeerLearned { get; set; }

    /// <summary>The peers in the table.</summary>
    internal int TableCount
    {
        get
        {
            lock (_lock) return _node.Table.Count;
        }
    }

    /// <summary>Whether the network is an isolated one.</summary>
    internal bool AllowsPrivateAddresses => _options.AllowPrivateAddresses;

    private TimeSpan Now => _time.GetElapsedTime(_startedAt);

    /// <summary>Begins to answer others, in server mode, and to fill the table.</summary>
    /// <param name="bootstrap">Peers known beforehand, each address ending in <c>/p2p/…</c>; others are left out.</param>
    /// <param name="expectsPeers">Whether somebody is being looked for elsewhere: until there is a first peer, searches that find nobody to ask wait for
    /// it.</param>
    internal void Start(IEnumerable<Multiaddr> bootstrap, bool expectsPeers = false)
    {
        List<Contact> known =
        [
            .. bootstrap.Where(address => address.PeerId is not null).GroupBy(address => address.PeerId!).Select(peer => new Contact(peer.Key, [.. peer.Distinct()])),
        ];
        KademliaLog.Started(_logger, _options.Protocol, known.Count);
        if (_node.IsServer) _registration = _host.Protocols.Handle(_options.Protocol, ServeAsync, MaxInboundStreams);
        Step((node, now) => node.Start(known, now, expectsPeers));
    }

    /// <summary>Takes addresses learned elsewhere: the peer is dialled and enters the table if it answers.</summary>
    internal void Meet(PeerId peer, IReadOnlyList<Multiaddr> addresses) => Step((node, now) => node.Meet(new Contact(peer, addresses), now));

    /// <summary>Looks for a peer's addresses.</summary>
    /// <returns>Where others say it is, best first; null when nobody knows.</returns>
    internal async Task<PeerInfo?> FindPeerAsync(PeerId peer, CancellationToken cancellationToken)
    {
        PeerOperation over = await RunAsync((node, now) => node.FindPeer(peer, now), cancellationToken).ConfigureAwait(false);
        return over.Addresses.Count == 0 ? null : new PeerInfo { PeerId = peer, ListenAddresses = over.Addresses };
    }

    /// <summary>The peers nearest to a key that answered, nearest first.</summary>
    internal async Task<IReadOnlyList<PeerInfo>> FindClosestAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        ClosestOperation over = await RunAsync((node, now) => node.FindClosest(key, now), cancellationToken).ConfigureAwait(false);
        return [.. over.Closest.Select(peer => InfoOf(peer.Contact))];
    }

    /// <summary>Announces this node as provider of a key, and goes on to announce it anew.</summary>
    /// <returns>On how many peers the record was stored.</returns>
    internal async Task<int> ProvideAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken) =>
        (await RunAsync((node, now) => node.Provide(key, now), cancellationToken).ConfigureAwait(false)).StoredCount;

    /// <summary>No longer announces this node as provider of a key.</summary>
    /// <returns>Whether it was announced.</returns>
    internal bool StopProviding(ReadOnlyMemory<byte> key)
    {
        bool wasProvided = false;
        Step((node, _) => wasProvided = node.StopProviding(key.Span));
        return wasProvided;
    }

    /// <summary>Stores a value, and goes on to store it anew.</summary>
    /// <returns>On how many peers it was stored.</returns>
    /// <exception cref="ArgumentException">No validator knows the key, or the value is not valid or too large.</exception>
    internal async Task<int> PutValueAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken)
    {
        if (value.Length > _options.MaxValueSize) throw new ArgumentException($"A value has at most {_options.MaxValueSize} bytes, not {value.Length}.", nameof(value));
        if (!_node.Rules.IsValid(key.Span, value.Span)) throw new ArgumentException("The value is not valid under its key, or no validator knows the key's namespace.", nameof(value));
        return (await RunAsync((node, now) => node.PutValue(key, value, now), cancellationToken).ConfigureAwait(false)).StoredCount;
    }

    /// <summary>Reads a value.</summary>
    /// <param name="key">The key, namespace included.</param>
    /// <param name="quorum">How many peers' values to compare at most; null for <see cref="KademliaOptions.ReadQuorum"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The best valid value; null when none was found.</returns>
    internal async Task<ReadOnlyMemory<byte>?> GetValueAsync(ReadOnlyMemory<byte> key, int? quorum, CancellationToken cancellationToken) =>
        (await RunAsync((node, now) => node.GetValue(key, quorum ?? _options.ReadQuorum, now), cancellationToken).ConfigureAwait(false)).Best?.Value;

    /// <summary>Looks for the providers of a key and gives them as they are found. A provider may come twice, the second time with addresses.</summary>
    internal async IAsyncEnumerable<PeerInfo> FindProvidersAsync(ReadOnlyMemory<byte> key, int limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Channel<PeerInfo> found = Channel.CreateBounded<PeerInfo>(MaxFound);
        Task<ProvidersOperation> over = RunAsync((node, now) => node.FindProviders(key, limit, now), cancellationToken, found.Writer);
        try
        {
            await foreach (PeerInfo provider in found.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false)) yield return provider;
            await over.ConfigureAwait(false);
        }
        finally
        {
            // Whoever has seen enough breaks off, and the search with it.
            found.Writer.TryComplete();
            if (!over.IsCompleted) Step((node, now) => CancelOf(node, found.Writer, now));
        }
    }

    /// <summary>Answers nobody any more, ends what is under way and waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] running;
        Operation[] waiting;
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            running = _running.Tasks;
            waiting = [.. _waiting.Keys];
        }

        _registration?.Dispose();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (Operation operation in waiting)
            if (_waiting.Remove(operation, out Action<Operation>? ended)) ended(operation);
        _requestSlots.Dispose();
        _stopping.Dispose();
    }

    private static PeerInfo InfoOf(Contact peer) => new() { PeerId = peer.Id, ListenAddresses = peer.Addresses };

    private async Task<T> RunAsync<T>(Func<KademliaNode, TimeSpan, T> begin, CancellationToken cancellationToken, ChannelWriter<PeerInfo>? found = null)
        where T : Operation
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            var over = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            TimeSpan began = Now;
            T? operation = null;
            bool isRunning = TryStep((node, now) =>
            {
                if (_waiting.Count >= _options.MaxOperations)
                    throw new OverlayException(OverlayError.DiscoveryBusy, $"{_options.MaxOperations} searches are under way already ({nameof(KademliaOptions.MaxOperations)}).");
                operation = begin(node, now);
                _waiting.Add(operation, ended => over.TrySetResult((T)ended));
                if (found is not null) _finding.Add(operation, found);
            });
            ObjectDisposedException.ThrowIf(!isRunning, this);
            using (cancellationToken.UnsafeRegister(_ => Step((node, now) => node.Cancel(operation!, now)), null))
            {
                T result = await over.Task.ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (_stopping.IsCancellationRequested) throw new OverlayException(OverlayError.Stopping, "The node is stopping.");
                _metrics?.LookupEnded(Now - began);
                return result;
            }
        }
        finally
        {
            found?.TryComplete();
        }
    }

    private void CancelOf(KademliaNode node, ChannelWriter<PeerInfo> found, TimeSpan now)
    {
        Operation? operation = _finding.FirstOrDefault(pair => pair.Value == found).Key;
        if (operation is not null) node.Cancel(operation, now);
    }

    private void Wake() => Step((node, now) => node.Tick(now));

    private void Step(Action<KademliaNode, TimeSpan> think) => TryStep(think);

    /// <summary>Lets the node think under the lock, then does what it wants. False when the node has stopped.</summary>
    private bool TryStep(Action<KademliaNode, TimeSpan> think)
    {
        List<KademliaAction>? actions = null;
        List<(Action<Operation> Ended, Operation Operation)>? over = null;
        lock (_lock)
        {
            if (_disposed) return false;
            ReadOwnAddresses();
            think(_node, Now);
            while (_node.TryTakeAction(out KademliaAction? action))
            {
                switch (action)
                {
                    case ProviderFound found when _finding.TryGetValue(found.Operation, out ChannelWriter<PeerInfo>? writer):
                        writer.TryWrite(InfoOf(found.Provider));
                        break;
                    case OperationEnded ended when _waiting.Remove(ended.Operation, out Action<Operation>? tell):
                        _finding.Remove(ended.Operation);
                        (over ??= []).Add((tell, ended.Operation));
                        break;
                    case SendRequest send:
                        _running.Start(send.Id, token => RequestAsync(send, token));
                        break;
                    default:
                        (actions ??= []).Add(action);
                        break;
                }
            }

            TimeSpan next = _node.NextTick;
            if (next != TimeSpan.MaxValue) _timer.Change(next > Now ? next - Now : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        over?.ForEach(pair => pair.Ended(pair.Operation));
        actions?.ForEach(Perform);
        return true;
    }

    // They change when interfaces come and go: now and then is often enough, and asking the system each time would be too often.
    private void ReadOwnAddresses()
    {
        if (_ownReadAt is { } at && Now - at < s_ownAddressAge) return;
        _ownReadAt = Now;
        _node.MoveTo(_ownAddresses());
    }

    private void Perform(KademliaAction action)
    {
        switch (action)
        {
            case CancelRequest cancel:
                _running.Cancel(cancel.Id);
                break;
            case PeerLearned learned:
                KademliaLog.Learned(_logger, learned.Peer.Id);
                PeerLearned?.Invoke(learned.Peer.Id, learned.Peer.Addresses);
                break;
        }
    }

    private async Task RequestAsync(SendRequest send, CancellationToken cancellationToken)
    {
        bool hasSlot = false;
        try
        {
            await _requestSlots.WaitAsync(cancellationToken).ConfigureAwait(false);
            hasSlot = true;
            (KademliaMessage? answer, PeerReach reach) = await _requests.AskAsync(send, cancellationToken).ConfigureAwait(false);
            _metrics?.Requested("answered");
            if (answer is { Type: KademliaMessageType.GetValue }) answer = _node.Rules.Judge(answer);
            Report(node => node.Answered(send.Id, answer, reach, Now));
        }
        catch (Exception e) when (e is ConnectionException or InvalidDataException or OperationCanceledException or ObjectDisposedException or ArgumentException or InvalidOperationException)
        {
            RequestFailure reason = e switch
            {
                InvalidDataException => RequestFailure.Malformed,
                ConnectionException { Reason: ConnectionError.StreamReset } => RequestFailure.Refused,
                ConnectionException { Fault: Fault.Local } or OperationCanceledException or ObjectDisposedException => RequestFailure.Local,
                _ => RequestFailure.Peer,
            };
            _metrics?.Requested(reason switch { RequestFailure.Malformed => "malformed", RequestFailure.Local => "given_up", RequestFailure.Refused => "refused", _ => "failed" });
            KademliaLog.RequestFailed(_logger, send.Peer.Id, e.Message);
            Report(node => node.Failed(send.Id, reason, Now));
        }
        finally
        {
            if (hasSlot) _requestSlots.Release();
        }
    }

    private void Report(Action<KademliaNode> outcome)
    {
        if (!_stopping.IsCancellationRequested) Step((node, _) => outcome(node));
    }
}
