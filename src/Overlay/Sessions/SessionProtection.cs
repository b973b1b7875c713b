using Overlay.Proofs;
using Overlay.Transport;
using Overlay.Transport.Connections;

namespace Overlay.Sessions;

/// <summary>Keeps the transport from letting go of a peer while a session, and with it money, is between the two.</summary>
/// <param name="peers">Whose connections they are; null where nobody trims them.</param>
internal sealed class SessionProtection(PeerHost? peers)
{
    /// <summary>For the life of one session; <see cref="End"/> follows. Idempotent. Where a peer has no room for another protection, those that it has hold.</summary>
    internal void Begin(PeerConnection connection, Digest session) => peers?.Protect(connection.RemotePeer, TagOf(session));

    internal void End(PeerConnection connection, Digest session) => peers?.Unprotect(connection.RemotePeer, TagOf(session));

    private static string TagOf(Digest session) => $"session/{session}";
}
