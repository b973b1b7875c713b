using Overlay.Proofs;
using Overlay.Transport.Connections;

namespace Overlay.Sessions;

/// <summary>What a node knows of the ledgers of those it has sessions with.</summary>
internal interface ICounterpartyLedgers
{
    /// <summary>Whether there is a proof that a peer has signed two histories. No session is opened with it then.</summary>
    /// <exception cref="SessionException">The own ledger cannot be read.</exception>
    ValueTask<bool> HasForkedAsync(PublicKey peer, CancellationToken cancellationToken);

    /// <summary>A session was opened on a connection: a good moment to compare ledgers, in the background.</summary>
    void Meet(PeerConnection connection);
}
