using System.Buffers;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Overlay.Transport.Connections;
using Overlay.Transport.Diagnostics;
using Overlay.Transport.Identity;
using Overlay.Transport.Multistream;
using Overlay.Transport.Noise;
using Overlay.Transport.Resources;
using Overlay.Transport.Yamux;

namespace Overlay.Transport;

/// <summary>The only place that composes the stack: from a raw pipe of bytes to an authenticated, multiplexed connection.</summary>
/// <remarks>
/// Round trips of an outbound upgrade: the proposal of <c>/noise</c> and the first handshake message travel together, the muxer is agreed on inside the
/// handshake, and the first stream's data follow the third message at once.
/// </remarks>
internal sealed class PeerConnector : IAsyncDisposable
{
    internal const string NoiseId = "/noise";
    internal const string YamuxId = "/yamux/1.0.0";

    private static readonly TimeSpan s_trimInterval = TimeSpan.FromSeconds(10);
    private static readonly string[] s_security = [NoiseId];
    private static readonly string[] s_muxers = [YamuxId];

    private readonly PeerIdentity _identity;
    private readonly NoiseStaticKey _staticKey;
    private readonly ProtocolRegistry _protocols;
    private readonly StreamNegotiator _negotiator;
    private readonly TransportOptions _options;
    private readonly TimeProvider _time;
    private readonly TransportMetrics _metrics;
    private readonly ILogger _logger;
    private readonly BufferPool _pool = new();
    private readonly DeadlineClock _clock;
    private readonly DeadlineClock.Entry _trimming;

    internal PeerConnector(
        PeerIdentity identity, ProtocolRegistry protocols, TransportOptions options, TimeProvider time, TransportMetrics metrics, ILogger logger)
    {
        _identity = identity;
        _staticKey = NoiseStaticKey.Generate(identity);
        _protocols = protocols;
        _options = options;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _clock = new DeadlineClock(time);
        _negotiator = new StreamNegotiator(options, time, _clock);
        _trimming = _clock.Register(Trim);
        _trimming.Schedule(_clock.Now + s_trimInterval);
    }

    /// <summary>After the last connection's end.</summary>
    public async ValueTask DisposeAsync()
    {
        _trimming.Dispose();
        await _clock.DisposeAsync().ConfigureAwait(false);
        _staticKey.Dispose();
    }

    /// <summary>Makes a raw connection into one to a named peer. Owns <paramref name="raw"/> and <paramref name="scope"/>: on failure both are closed.</summary>
    /// <param name="raw">A fresh connection, on which nothing has been sent or received.</param>
    /// <param name="direction">Who dialled.</param>
    /// <param name="expectedPeer">Who must be there; null for anybody.</param>
    /// <param name="scope">What was reserved for the connection; the connection's from here on.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ConnectionException">Says which step failed, and whose fault it was.</exception>
    internal async Task<MuxedPeerConnection> UpgradeAsync(
        ByteConnection raw, Direction direction, PeerId? expectedPeer, ConnectionScope scope, CancellationToken cancellationToken)
    {
        using Activity? activity = TransportMetrics.Activities.StartActivity("overlay.transport.upgrade");
        long start = _time.GetTimestamp();
        var progress = new UpgradeProgress();
        using var deadline = new Deadline(_options.UpgradeTimeout, _time, cancellationToken);
        SecureChannel? channel = null;
        try
        {
            var memory = new ConnectionMemory(_options.Yamux.MaxWindowGrowth, scope);
            channel = await SecureAsync(raw, direction, expectedPeer, memory, progress, deadline.Token).ConfigureAwait(false);
            if (!scope.TrySetPeer(channel.RemotePeer, out ResourceRefusal refusal)) throw refusal.ToException(progress.Step, channel.RemotePeer);
            progress.Step = ConnectionStep.NegotiateMuxer;
            channel = await AgreeOnMuxerAsync(channel, direction, deadline.Token).ConfigureAwait(false);
            var muxer = new YamuxSession(channel, direction, _options.Yamux, _time, memory, _clock, _pool);
            _metrics.HandshakeFinished(direction, null, _time.GetElapsedTime(start));
            return new MuxedPeerConnection(
                channel, muxer, scope, raw.LocalAddress, raw.RemoteAddress, direction, _protocols, _negotiator, _options, _time, _metrics, _logger);
        }
        catch (Exception e)
        {
            raw.Abort();
            if (channel is not null) await channel.DisposeAsync().ConfigureAwait(false);
            await raw.DisposeAsync().ConfigureAwait(false);
            scope.Dispose();
            if (e is OperationCanceledException && deadline.HasPassed) e = deadline.Expired(progress.Step, "the connection's handshake", e);
            if (e is not ConnectionException failure) throw;
            activity?.SetStatus(ActivityStatusCode.Error, failure.Reason.ToString());
            _metrics.HandshakeFinished(direction, failure.Reason, _time.GetElapsedTime(start));
            throw Locate(failure, progress.Step, expectedPeer);
        }
    }

    private async ValueTask<SecureChannel> SecureAsync(
        ByteConnection raw, Direction direction, PeerId? expectedPeer, ConnectionMemory memory, UpgradeProgress progress, CancellationToken cancellationToken)
    {
        bool dialled = direction == Direction.Outbound;
        using var handshake = new NoiseHandshake(_staticKey, dialled ? NoiseRole.Initiator : NoiseRole.Responder, expectedPeer, s_muxers, _options.Noise);
        using var received = new HandshakeBuffer(raw);
        var output = new ArrayBufferWriter<byte>(512);

        progress.Step = ConnectionStep.NegotiateSecurity;
        if (dialled)
        {
            var proposal = new MultistreamDialer(NoiseId);
            output.Write(proposal.Proposal.Span);
            handshake.WriteMessage(output);
            await SendAsync(raw, output, cancellationToken).ConfigureAwait(false);
            await received.NegotiateAsync(bytes => proposal.Feed(bytes.Span), output, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            var listener = new MultistreamListener(static protocol => protocol == NoiseId, static () => s_security, _options.Multistream);
            await received.NegotiateAsync(bytes => listener.Feed(bytes.Span), output, cancellationToken).ConfigureAwait(false);
        }

        progress.Step = ConnectionStep.SecurityHandshake;
        while (!handshake.IsComplete)
        {
            if (handshake.WantsWrite)
            {
                handshake.WriteMessage(output);
                await SendAsync(raw, output, cancellationToken).ConfigureAwait(false);
                continue;
            }

            int frameSize;
            while (!handshake.TryGetFrameSize(received.Unread.Span, out frameSize)) await received.ReceiveMoreAsync(cancellationToken).ConfigureAwait(false);
            while (received.Unread.Length < frameSize) await received.ReceiveMoreAsync(cancellationToken).ConfigureAwait(false);
            handshake.ReadMessage(received.Unread.Span[NoiseHandshake.PrefixSize..frameSize]);
            received.Consume(frameSize);
        }

        return new NoiseChannel(raw, received.Unread.Span, handshake.Result, _options.Noise, _pool, memory, _time);
    }

    /// <summary>Agrees on Yamux inside the channel where the handshake did not: for peers that know no early muxer negotiation.</summary>
    private async ValueTask<SecureChannel> AgreeOnMuxerAsync(SecureChannel channel, Direction direction, CancellationToken cancellationToken)
    {
        if (channel.NegotiatedMuxer is not null) return channel;
        var prefixed = new PrefixedChannel(channel);
        if (direction == Direction.Outbound)
        {
            var dialer = new MultistreamDialer(YamuxId);
            await prefixed.NegotiateAsync(dialer.Proposal, bytes => dialer.Feed(bytes.Span), cancellationToken).ConfigureAwait(false);
        }
        else
        {
            var listener = new MultistreamListener(static protocol => protocol == YamuxId, static () => s_muxers, _options.Multistream);
            await prefixed.NegotiateAsync(default, bytes => listener.Feed(bytes.Span), cancellationToken).ConfigureAwait(false);
        }

        return prefixed;
    }

    // Memory that a burst of traffic needed goes back to the system within a few of these.
    private void Trim()
    {
        _pool.Trim();
        _trimming.Schedule(_clock.Now + s_trimInterval);
    }

    private static async ValueTask SendAsync(ByteConnection raw, ArrayBufferWriter<byte> output, CancellationToken cancellationToken)
    {
        await raw.SendAsync(output.WrittenMemory, cancellationToken).ConfigureAwait(false);
        output.ResetWrittenCount();
    }

    /// <summary>Errors of the raw connection know nothing of the step in which they happened, nor of the peer that was expected.</summary>
    private static ConnectionException Locate(ConnectionException failure, ConnectionStep step, PeerId? peer) =>
        failure.Step is ConnectionStep.Connection or ConnectionStep.Stream || (failure.Peer is null && peer is not null)
            ? new ConnectionException(
                failure.Reason, failure.Step is ConnectionStep.Connection or ConnectionStep.Stream ? step : failure.Step, failure.Fault, failure.Message, failure)
            { Peer = failure.Peer ?? peer, Limit = failure.Limit }
            : failure;

    /// <summary>Where an upgrade stands, for the words of its failure.</summary>
    private sealed class UpgradeProgress
    {
        internal ConnectionStep Step { get; set; } = ConnectionStep.NegotiateSecurity;
    }
}
