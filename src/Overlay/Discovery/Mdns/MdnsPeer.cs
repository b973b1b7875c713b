using Overlay.Transport.Identity;

namespace Overlay.Discovery.Mdns;

/// <summary>A peer that was heard on the local network. Nothing of it is proved before a connection is made.</summary>
/// <param name="Peer">Who it says it is.</param>
/// <param name="Addresses">Where it says it listens, without <c>/p2p/…</c>; at least one.</param>
internal sealed record MdnsPeer(PeerId Peer, IReadOnlyList<Multiaddr> Addresses);

/// <summary>A packet to send.</summary>
/// <param name="Link">On which interface.</param>
/// <param name="To">To whom alone; null for everybody on the link.</param>
/// <param name="Packet">What.</param>
internal sealed record MdnsSend(int Link, System.Net.IPEndPoint? To, byte[] Packet);

/// <summary>Why something that came by multicast DNS was not used.</summary>
internal enum MdnsRefusal
{
    /// <summary>More packets than are read per second.</summary>
    Rate = 1,

    /// <summary>From another network than the link's, or an answer from another port than 5353 (RFC 6762, sections 6 and 11).</summary>
    Source,

    /// <summary>No DNS message, or one over a limit.</summary>
    Malformed,

    /// <summary>An address that is none, names no peer or another one, or is not to be dialled.</summary>
    Address,

    /// <summary>More peers than are remembered.</summary>
    Capacity,
}
