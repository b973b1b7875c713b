using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Overlay.Transport.Connections;
using Overlay.Transport.Diagnostics;
using Overlay.Transport.Identity;

namespace Overlay.Transport;

/// <summary>An established connection: the secure channel's proof of who is there, the muxer's streams, and the handlers of inbound ones.</summary>
/// <remarks>The <see cref="PeerHost"/> owns it and awaits <see cref="RunAsync"/>, which owns the tasks of all inbound streams.</remarks>
internal sealed class MuxedPeerConnection : PeerConnection
{
    private readonly SecureChannel _channel;
    private readonly StreamMuxer _muxer;
    private readonly StreamNegotiator _negotiator;
    private readonly ProtocolRegistry _protocols;
    private readonly TransportMetrics _metrics;
    private readonly ILogger _logger;
    private readonly TimeSpan _linger;
    private readonly TimeProvider _time;
    private readonly TokenBucket _refusedStreams;
    private readonly TokenBucket _pushes;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _handlers = [];
    private readonly Dictionary<string, int> _inboundByProtocol = new(StringComparer.Ordinal);

    internal MuxedPeerConnection(
        SecureChannel channel, StreamMuxer muxer, Multiaddr localAddress, Multiaddr remoteAddress, Direction direction,
        ProtocolRegistry protocols, StreamNegotiator negotiator, TransportOptions options, TimeProvider time, TransportMetrics metrics, ILogger logger)
    {
        _channel = channel;
        _muxer = muxer;
        _protocols = protocols;
        _negotiator = negotiator;
        _metrics = metrics;
        _logger = logger;
        _linger = options.Yamux.LingerTimeout;
        _time = time;
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

    /// <summary>Why it ended; null while it lives and after a clean end.</summary>
    internal ConnectionException? Error => _muxer.Error;

    public override async ValueTask<PeerStream> OpenStreamAsync(string protocol, CancellationToken cancellationToken)
    {
        MuxedStream stream = await _muxer.OpenStreamAsync(cancellationToken).ConfigureAwait(false);
        PeerStream negotiated;
        try
        {
            negotiated = _negotiator.Propose(this, stream, protocol);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        _metrics.StreamOpened(Direction.Outbound);
        _ = stream.Completion.ContinueWith(
            static (_, state) => ((TransportMetrics)state!).StreamClosed(Direction.Outbound),
            _metrics, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return negotiated;
    }

    public override ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken) => _muxer.PingAsync(cancellationToken);

    public override async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        // Served streams whose peer has not ended its side would keep the connection open for nothing.
        await _closing.CancelAsync().ConfigureAwait(false);
        await _muxer.CloseAsync(cancellationToken).ConfigureAwait(false);
    }

    public override void Abort(string reason) =>
        _muxer.Abort(new ConnectionException(ConnectionError.Closed, ConnectionStep.Connection, Fault.Local, reason) { Peer = RemotePeer });

    public override async ValueTask DisposeAsync()
    {
        Abort("The connection was disposed.");
        await _muxer.DisposeAsync().ConfigureAwait(false);
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
        _closed.Dispose();
    }

    private async Task CancelWhenOverAsync()
    {
        await _muxer.Completion.ConfigureAwait(false);
        await _closing.CancelAsync().ConfigureAwait(false);
        await _closed.CancelAsync().ConfigureAwait(false);
    }

    private void Start(MuxedStream stream)
    {
        // The muxer bounds how many streams can be open, and with that these tasks.
        Task handling = Task.Run(() => HandleAsync(stream));
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

    /// <summary>One inbound stream from negotiation to end. Never faults.</summary>
    private async Task HandleAsync(MuxedStream stream)
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

        if (_protocols.Find(negotiated.Protocol) is not { } registration || !TryEnter(registration))
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
            await LingerAsync(stream).ConfigureAwait(false);
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

    /// <summary>Lets a served stream end by half-closes: a reset right behind the last bytes could overtake them at a peer that has not read them yet.</summary>
    private async ValueTask LingerAsync(MuxedStream stream)
    {
        if (stream.Completion.IsCompleted) return;
        await stream.Output.CompleteAsync().ConfigureAwait(false);
        await stream.Input.CompleteAsync().ConfigureAwait(false);
        try
        {
            await stream.Completion.WaitAsync(_linger, _time, _closing.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // The peer has not ended its side in time: the disposal that follows resets it.
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
            ConnectionError.LimitExceeded, ConnectionStep.Connection, Fault.Peer, "The peer opens too many streams that come to nothing.") { Peer = RemotePeer });
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
}
