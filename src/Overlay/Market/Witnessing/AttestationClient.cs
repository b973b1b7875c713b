using System.Runtime.CompilerServices;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport.Connections;

namespace Overlay.Market.Witnessing;

/// <summary>The asking side of <c>/overlay/attestation/1</c>.</summary>
internal static class AttestationClient
{
    /// <summary>Asks a peer for what it holds of a provider.</summary>
    /// <exception cref="SessionException">What came is no such answer.</exception>
    /// <exception cref="ConnectionException">The connection broke, or the peer does not speak the protocol.</exception>
    internal static async ValueTask<IReadOnlyList<Attestation>> AskAsync(PeerConnection connection, PublicKey provider, ulong firstEpoch,
        CancellationToken cancellationToken)
    {
        PeerStream stream = await connection.OpenStreamAsync(MarketNames.Attestation, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposing = stream.ConfigureAwait(false);
        await stream.Output.WriteMessageAsync(new AttestationRequest.Ask(provider, firstEpoch).Encode(), cancellationToken).ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);
        byte[] answer = await stream.Input.ReadMessageAsync(AttestationAnswer.MaxSize, cancellationToken).ConfigureAwait(false)
            ?? throw new SessionException(SessionError.ConnectionLost, "The other side ended the stream without an answer.");
        return AttestationAnswer.Decode(answer, provider)
            ?? throw new SessionException(SessionError.Malformed, "The other side's answer is none about that provider.");
    }

    /// <summary>Hands an attestation to its provider.</summary>
    /// <exception cref="SessionException">It was not taken.</exception>
    /// <exception cref="ConnectionException">The connection broke, or the peer does not speak the protocol.</exception>
    internal static async ValueTask PushAsync(PeerConnection connection, Attestation attestation, CancellationToken cancellationToken)
    {
        PeerStream stream = await connection.OpenStreamAsync(MarketNames.Attestation, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposing = stream.ConfigureAwait(false);
        await stream.Output.WriteMessageAsync(new AttestationRequest.Push(attestation).Encode(), cancellationToken).ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);
        // The provider's half-close says that it has taken it.
        if (await stream.Input.ReadMessageAsync(1, cancellationToken).ConfigureAwait(false) is not null)
            throw new SessionException(SessionError.Malformed, "The provider answered an attestation with more than nothing.");
    }
}
