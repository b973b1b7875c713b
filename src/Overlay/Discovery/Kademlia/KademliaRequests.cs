using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Overlay.Discovery.Kademlia.Wire;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>Carries a node's requests over a host's connections. One stream for each.</summary>
/// <param name="host">Whose connections are used.</param>
/// <param name="options">Limits and the protocol's id.</param>
/// <param name="dialable">Which addresses may be dialled; null to dial all as they are.</param>
internal sealed class KademliaRequests(
    PeerHost host, KademliaOptions options, DialableAddresses? dialable = null)
{
    /// <summary>Asks a peer.</summary>
    /// <returns>Its answer, null where none is due, and how it was reached.</returns>
    /// <exception cref="ConnectionException">It could not be reached, or ended the stream.</exception>
    /// <exception cref="InvalidDataException">What it sent is no message, or over a limit.</exception>
    internal async Task<(KademliaMessage? Answer, PeerReach Reach)> AskAsync(SendRequest request, CancellationToken cancellationToken)
    {
        PeerConnection? existing = host.FindConnection(request.Peer.Id);
        // That the peer came by itself does not show that it can be dialled.
        bool isExtra = request.IsFreshDial && existing is { Direction: Direction.Inbound };
        PeerConnection connection = existing is not null && !isExtra ? existing : await DialAsync(request.Peer, isExtra, cancellationToken).ConfigureAwait(false);
        try
        {
            KademliaMessage? answer = await ExchangeAsync(connection, request, cancellationToken).ConfigureAwait(false);
            return (answer, new PeerReach(connection.Direction == Direction.Outbound ? connection.RemoteAddress : null, host.FindPeerInfo(connection)?.ListenAddresses));
        }
        finally
        {
            // Others may have begun to use it if it is now the preferred one; then the older will go when connections are trimmed.
            if (isExtra && host.FindConnection(request.Peer.Id) != connection) await connection.CloseAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<PeerConnection> DialAsync(Contact peer, bool anew, CancellationToken cancellationToken)
    {
        // A name that a stranger told may stand for an address of this LAN.
        IReadOnlyList<Multiaddr> addresses = dialable is null ? peer.Addresses : await dialable(peer.Addresses, cancellationToken).ConfigureAwait(false);
        return anew
            ? await host.ConnectAnewAsync(peer.Id, addresses, cancellationToken).ConfigureAwait(false)
            : await host.ConnectAsync(peer.Id, addresses, cancellationToken).ConfigureAwait(false);
    }

    private async Task<KademliaMessage?> ExchangeAsync(PeerConnection connection, SendRequest request, CancellationToken cancellationToken)
    {
        PeerStream stream = await connection.OpenStreamAsync(options.Protocol, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        using CancellationTokenRegistration abort = cancellationToken.UnsafeRegister(static state => ((PeerStream)state!).Abort("The request was given up."), stream);
        await stream.Output.WriteAsync(LengthPrefixed.Frame(KademliaCodec.Encode(request.Message)), cancellationToken).ConfigureAwait(false);
        if (!request.ExpectsAnswer)
        {
            await stream.Output.CompleteAsync().ConfigureAwait(false);
            try
            {
                // Only now has the record been taken out of the stream: to let go sooner could lose it.
                ReadResult end = await stream.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
                stream.Input.AdvanceTo(end.Buffer.End);
            }
            catch (ConnectionException e) when (e.Reason == ConnectionError.StreamReset)
            {
                // js-libp2p ends such a stream so, record taken.
            }

            return null;
        }

        byte[] encoded = await MessageFrames.ReadAsync(stream.Input, options.MaxMessageSize, cancellationToken).ConfigureAwait(false)
            ?? throw new InvalidDataException("The peer ended the stream without an answer.");
        return KademliaCodec.TryDecode(encoded, options, out KademliaMessage? answer) ? answer : throw new InvalidDataException("The answer is malformed or over a limit.");
    }
}
