using System.Net;

namespace Overlay.Discovery.Mdns;

/// <summary>Sends and takes packets of multicast DNS on the host's links. A seam: the operating system's sockets, or a network in a test's memory.</summary>
internal interface IMulticast : IAsyncDisposable
{
    /// <summary>The links that can be used now. Called from time to time; joins what is new.</summary>
    IReadOnlyList<MdnsLink> FindLinks();

    /// <summary>Sends a packet to a link or to one host on it. What cannot be sent is lost, as any packet may be.</summary>
    void Send(MdnsSend send);

    /// <summary>The next packet; ends with the seam. Packets that come faster than they are taken are lost.</summary>
    /// <exception cref="System.Threading.Channels.ChannelClosedException">The seam was disposed.</exception>
    ValueTask<MdnsPacket> ReceiveAsync(CancellationToken cancellationToken);
}

/// <summary>A packet that came.</summary>
/// <param name="Link">The interface it came by.</param>
/// <param name="Source">Who sent it.</param>
/// <param name="Packet">Its bytes.</param>
internal sealed record MdnsPacket(int Link, IPEndPoint Source, byte[] Packet);
