using Overlay.Transport.Connections;

namespace Overlay.Transport.Noise;

/// <summary>Choosing the muxer inside the handshake (libp2p specifications, connections/inlined-muxer-negotiation.md).</summary>
internal static class MuxerChoice
{
    /// <summary>The first of the initiator's muxers that the responder has too; null when either names none, and the muxer is negotiated later.</summary>
    /// <exception cref="ConnectionException">Both name some and share none, which fails the handshake.</exception>
    internal static string? Choose(IReadOnlyList<string> initiator, IReadOnlyList<string> responder)
    {
        if (initiator.Count == 0 || responder.Count == 0) return null;
        foreach (string muxer in initiator)
            if (responder.Contains(muxer, StringComparer.Ordinal)) return muxer;

        throw new ConnectionException(
            ConnectionError.ProtocolNotSupported, ConnectionStep.SecurityHandshake, Fault.Peer, "The peers have no muxer in common.");
    }
}
