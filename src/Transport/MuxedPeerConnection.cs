using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Overlay.Transport.Connections;
using Overlay.Transport.Diagnostics;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport;

/// <summary>An established connection: the secure channel's proof of who is there, the muxer's streams, and the handlers of inbound ones.</summary>
/// <remarks>The <see cref="PeerHost"/> owns it and awaits <see cref="RunAsync"/>, which owns the tasks of all inbound streams.</remarks>
internal sealed class MuxedPeerConnection : PeerConnection
{
    private readonly SecureChannel _channel;
    private readonly StreamMuxer _muxer;
    private readonly ConnectionScope _scope;
    private readonly StreamNegotiator _negotiator;
    private readonly ProtocolRegistry _protocols;
    private readonly TransportMetrics _metrics;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly long _establishedAt;
    private readonly TokenBucket _refusedStreams;
    private readonly TokenBucket _pushes;
    private readonly CancellationTokenSource _closed = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _handlers = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, int> _inboundByProtocol = new(StringComparer.Ordinal);

    internal MuxedPeerConnection(
        SecureChannel channel, StreamMuxer muxer, ConnectionScope scope, Multiaddr localAddress, Multiaddr remoteAddress, Direction direction,
        ProtocolRegistry protocols, StreamNegotiator negotiator, TransportOptions options, TimeProvider time, TransportMetrics metrics, ILogger logger)
    {
        _channel = channel;
        _muxer = muxer;
        _scope = scope;
        _protocols = protocols;
        _negotiator = negotiator;
        _metrics = metrics;
        _logger = logger;
        _time = time;
        _establishedAt = time.GetTimestamp();
        _refusedStreams = new TokenBucket(options.RefusedStreamBurst, options.RefusedStreamsPerSecond, time);
        _pushes = new TokenBucket(options.Identify.PushBurst, options.Identify.PushesPerSecond, time);
        LocalAddress = localAddress;
        RemoteAddress = remoteAddress;
        Direction = direction;
        Closed = _closed.Token;
    }

    public override PeerId RemotePeer => _channel.RemotePeer;

    public override PeerPublicKey RemotePublicKey => _channel.RemotePublicKey;

    public override Multiaddr LocalAddress { get; }

    public override Multiaddr RemoteAddress { get; }

    public override Direction Direction { get; }

    public override ReadOnlyMemory<byte> HandshakeHash => _channel.HandshakeHash;

    public override CancellationToken Closed { get; }

    /// <summary>Open streams of both directions.</summary>
    internal int StreamCount => _muxer.StreamCount;

    /// <summary>How long it had stood at <paramref name="timestamp"/> of the host's clock.</summary>
    internal TimeSpan AgeAt(long timestamp) => _time.GetElapsedTime(_establishedAt, timestamp);

    /// <summary>Completes when the connection and all its handlers have ended and everything is given back.</summary>
    internal Task Ended => _ended.Task;

    /// <summary>Why it ended; null while it lives and after a clean end.</summary>
    internal ConnectionException? Error => _muxer.Error;

    public override async ValueTask<PeerStream> OpenStreamAsync(string protocol, CancellationToken cancellationToken)
    {
        if (!_scope.TryOpenStream(protocol, out StreamScope? scope, out ResourceRefusal refusal)) throw refusal.ToException(ConnectionStep.OpenStream, RemotePeer);
        MuxedStream stream;
        try
        {
            stream = await _muxer.OpenStreamAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            scope.Dispose();
            throw;
        }

        // The muxer holds the stream until it is complete, however early its user lets go.
        _metrics.StreamOpened(Direction.Outbound);
        _ = stream.Completion.ContinueWith(
            static (_, state) => ((OutboundStream)state!).Close(),
            new OutboundStream(scope, _metrics), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            return _negotiator.Propose(this, stream, protocol);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken) => _muxer.PingAsync(cancellationToken);

    public override ValueTask CloseAsync(CancellationToken cancellationToken) => _muxer.CloseAsync(cancellationToken);

    public override void Abort(string reason) =>
        _muxer.Abort(new ConnectionException(ConnectionError.Closed, ConnectionStep.Connection, Fault.Local, reason) { Peer = RemotePeer });

    public override async ValueTask DisposeAsync()
    {
        Abort("The connection was disposed.");
        await _muxer.DisposeAsync().ConfigureAwait(false);
        // One that lost a race of dials is never run.
        _scope.Dispose();
    }

    /// <summary>Takes the peer's streams until the connection is over and all their handlers have ended.</summary>
    internal async Task RunAsync()
    {
        // Handlers see the end at once, and not only when the peer's last stream has been taken.
        Task ending = CancelWhenOverAsync();
        try
        {
            while (await _muxer.AcceptStreamAsync(CancellationToken.None).ConfigureAwait(false) is { } stream) Start(stream);
        }
        catch (ConnectionException e)
        {
            _muxer.Abort(e);
        }

        await ending.ConfigureAwait(false);
        Task[] left;
        lock (_lock) left = [.. _handlers];
        await Task.WhenAll(left).ConfigureAwait(false);
        await _muxer.DisposeAsync().ConfigureAwait(false);
        _scope.Dispose();
        _closed.Dispose();
        _ended.TrySetResult();
    }

    private async Task CancelWhenOverAsync()
    {
        await _muxer.Completion.ConfigureAwait(false);
        await _closed.CancelAsync().ConfigureAwait(false);
    }

    private void Start(MuxedStream stream)
    {
        if (!_scope.TryAcceptStream(out StreamScope? scope, out ResourceRefusal refusal)) Refuse(refusal);
        // The budget bounds how many streams are served, and the muxer how many there can be, and with that these tasks.
        Task handling = scope is null ? RejectAsync(stream, refusal) : HandleAsync(stream, scope);
        lock (_lock)
            if (!handling.IsCompleted) _handlers.Add(handling);
        _ = handling.ContinueWith(
            static (task, state) =>
            {
                var self = (MuxedPeerConnection)state!;
                lock (self._lock) self._handlers.Remove(task);
            },
            this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Resets a stream for which there is no room.</summary>
    private async Task RejectAsync(MuxedStream stream, ResourceRefusal refusal)
    {
        stream.Abort(refusal.ToException(ConnectionStep.Stream, RemotePeer));
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private void Refuse(ResourceRefusal refusal) => TransportLog.StreamOverBudget(_logger, RemotePeer, refusal.Scope, refusal);

    /// <summary>One inbound stream until the muxer has done with it. Never faults. Begins on the thread that receives for the connection, which is not to wait.</summary>
    private async Task HandleAsync(MuxedStream stream, StreamScope scope)
    {
        await ServeAsync(stream, scope).ConfigureAwait(false);
        await stream.Completion.ConfigureAwait(false);
        scope.Dispose();
    }

    /// <summary>One inbound stream from negotiation to the end of its handler. Never faults.</summary>
    private async Task ServeAsync(MuxedStream stream, StreamScope scope)
    {
        await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        PeerStream negotiated;
        try
        {
            negotiated = await _negotiator.AnswerAsync(this, stream, _protocols, Closed).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConnectionException or OperationCanceledException)
        {
            if (e is ConnectionException refused)
            {
                _metrics.Refused(refused.Reason);
                TransportLog.StreamRefused(_logger, RemotePeer, refused.Message);
                // What the peer resets itself, the muxer counts.
                if (refused.Reason != ConnectionError.StreamReset) CountRefusedStream();
                // No reset: the disposal ends this side first, so that an "na" on its way can still be read.
            }

            return;
        }

        ProtocolRegistration? registration = _protocols.Find(negotiated.Protocol);
        // The limits, too, are looked at where the handler runs: streams that came together would else reach one before the first of them is served.
        if (registration is not { NeverBlocks: true }) await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (!scope.TrySetProtocol(negotiated.Protocol, out ResourceRefusal refusal))
        {
            Refuse(refusal);
            negotiated.Abort(refusal.ToString());
            return;
        }

        if (registration is null || !TryEnter(registration))
        {
            _metrics.Refused(ConnectionError.LimitExceeded);
            TransportLog.StreamRefused(_logger, RemotePeer, $"Too many {negotiated.Protocol} streams.");
            CountRefusedStream();
            negotiated.Abort("Too many streams of this protocol.");
            return;
        }

        _metrics.StreamOpened(Direction.Inbound);
        try
        {
            Task handling = registration.Handler(negotiated, Closed);
            // What the handler has not taken along by the time it first waits has waited long enough.
            stream.ReleaseHeld();
            await handling.ConfigureAwait(false);
            // The disposal lets the stream end by half-closes, whatever the handler has left unread.
            await stream.Output.CompleteAsync().ConfigureAwait(false);
            await stream.Input.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            TransportLog.StreamFailed(_logger, RemotePeer, negotiated.Protocol, e.Message);
            negotiated.Abort(e.Message);
        }
#pragma warning disable CA1031 // A handler's mistake is logged and ends its stream, never the node.
        catch (Exception e)
        {
            TransportLog.HandlerFailed(_logger, negotiated.Protocol, e);
            negotiated.Abort("The protocol's handler failed.");
        }
#pragma warning restore CA1031
        finally
        {
            Leave(registration.Protocol);
            _metrics.StreamClosed(Direction.Inbound);
        }
    }

    /// <summary>Whether one more identify push of the peer is worth reading. One too many is a stream that comes to nothing.</summary>
    internal bool TryTakePush()
    {
        if (_pushes.TryTake()) return true;
        CountRefusedStream();
        return false;
    }

    /// <summary>A stream of the peer's came to nothing by its fault: a peer that goes on and on with that is ended.</summary>
    /// <remarks>A peer can make this side give up its streams (the "MadeYouReset" of HTTP/2, CVE-2025-8671), which no limit on the peer's own resets sees.</remarks>
    private void CountRefusedStream()
    {
        if (_closed.IsCancellationRequested || _refusedStreams.TryTake()) return;
        _muxer.Abort(new ConnectionException(
            ConnectionError.LimitExceeded, ConnectionStep.Connection, Fault.Peer, "The peer opens too many streams that come to nothing.")
        { Peer = RemotePeer });
    }

    private bool TryEnter(ProtocolRegistration registration)
    {
        lock (_lock)
        {
            int open = _inboundByProtocol.GetValueOrDefault(registration.Protocol);
            if (open >= registration.MaxStreamsPerConnection) return false;
            _inboundByProtocol[registration.Protocol] = open + 1;
            return true;
        }
    }

    private void Leave(string protocol)
    {
        lock (_lock)
            if (--_inboundByProtocol[protocol] == 0) _inboundByProtocol.Remove(protocol);
    }

    /// <summary>What is given back when a stream that this side opened is over.</summary>
    private sealed class OutboundStream(StreamScope scope, TransportMetrics metrics)
    {
        internal void Close()
        {
            scope.Dispose();
            metrics.StreamClosed(Direction.Outbound);
        }
    }
}
