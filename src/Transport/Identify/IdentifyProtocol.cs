using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Identify;

/// <summary>The identify and identify/push exchanges over streams.</summary>
internal sealed class IdentifyProtocol(PeerPublicKey publicKey, IdentifyOptions options, TimeProvider time, Func<PeerConnection, PeerInfo> describeSelf)
{
    internal const string Id = "/ipfs/id/1.0.0";
    internal const string PushId = "/ipfs/id/push/1.0.0";

    /// <summary>Asks a peer what it is.</summary>
    internal async ValueTask<PeerInfo> QueryAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.Timeout, time, cancellationToken);
        PeerStream stream = await connection.OpenStreamAsync(Id, deadline.Token).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        return await deadline.RunAsync(
            ct => ReceiveAsync(stream, new PeerInfo { PeerId = connection.RemotePeer }, ct), ConnectionStep.Stream, "the identify exchange").ConfigureAwait(false);
    }

    /// <summary>Answers a peer that asks.</summary>
    internal async Task AnswerAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.Timeout, time, cancellationToken);
        await SendAsync(stream, deadline.Token).ConfigureAwait(false);
    }

    /// <summary>Tells a peer unasked that something of this node has changed.</summary>
    internal async ValueTask PushAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.Timeout, time, cancellationToken);
        PeerStream stream = await connection.OpenStreamAsync(PushId, deadline.Token).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        await deadline.RunAsync(
            async ct =>
            {
                await SendAsync(stream, ct).ConfigureAwait(false);
                // The peer closes its side when it has taken the message; a reset before that would take the message with it.
                ReadResult end = await stream.Input.ReadAsync(ct).ConfigureAwait(false);
                stream.Input.AdvanceTo(end.Buffer.End);
                return true;
            },
            ConnectionStep.Stream,
            "the identify push").ConfigureAwait(false);
    }

    /// <summary>Takes what a peer pushes, merged into what was known of it.</summary>
    internal async Task<PeerInfo> ReceivePushAsync(PeerStream stream, PeerInfo known, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.Timeout, time, cancellationToken);
        return await deadline.RunAsync(ct => ReceiveAsync(stream, known, ct), ConnectionStep.Stream, "the identify push").ConfigureAwait(false);
    }

    private async ValueTask SendAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        byte[] message = IdentifyCodec.Encode(describeSelf(stream.Connection), publicKey);
        await stream.Output.WriteAsync(message, cancellationToken).ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);
    }

    private async ValueTask<PeerInfo> ReceiveAsync(PeerStream stream, PeerInfo known, CancellationToken cancellationToken)
    {
        for (int count = 0; ; count++)
        {
            byte[]? message = await LengthPrefixed.ReadAsync(stream.Input, options.MaxMessageSize, cancellationToken).ConfigureAwait(false);
            if (message is null)
                return count > 0 ? known : throw IdentifyCodec.Violation(stream.RemotePeer, "The peer ended the identify stream without a message.");
            if (count == options.MaxMessageCount)
                throw IdentifyCodec.Violation(stream.RemotePeer, $"The peer sent more than {options.MaxMessageCount} identify messages.");
            known = IdentifyCodec.Merge(known, message, options);
        }
    }
}
