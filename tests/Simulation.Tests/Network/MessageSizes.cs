using Overlay.Discovery.Kademlia;

namespace Overlay.Simulation.Tests.Network;

/// <summary>Bytes on the wire, computed without encoding.</summary>
internal static class MessageSizes
{
    /// <summary>Around a request and its answer: four Yamux headers of 12 bytes, as many Noise tags and lengths of 18, two protocol proposals of 41, TCP
    /// and IP headers of 52 four times.</summary>
    internal const int Exchange = (4 * (12 + 18 + 52)) + (2 * 41);

    /// <summary>A new connection: TCP's and Noise's handshakes with identities and signatures, identify both ways.</summary>
    internal const int Connection = 2200;

    /// <summary>The size of a message with its length in front.</summary>
    internal static int Of(KademliaMessage message)
    {
        int size = 3 + 2 + message.Key.Length + 2;
        if (message.Record is { } record) size += 8 + record.Key.Length + record.Value.Length + record.TimeReceived.Length + 2;
        foreach (Contact peer in message.CloserPeers) size += Of(peer);
        foreach (Contact peer in message.ProviderPeers) size += Of(peer);
        return size;
    }

    private static int Of(Contact peer)
    {
        int size = 2 + 2 + peer.Id.Bytes.Length;
        for (int i = 0; i < peer.Addresses.Count; i++) size += 2 + peer.Addresses[i].Bytes.Length;
        return size;
    }
}
