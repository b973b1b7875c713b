namespace Overlay.Discovery.Kademlia;

/// <summary>The kinds of message (kad-dht specification, "RPC messages"). The numbers are the wire's.</summary>
internal enum KademliaMessageType
{
    PutValue = 0,
    GetValue = 1,
    AddProvider = 2,
    GetProviders = 3,
    FindNode = 4,

    /// <summary>Deprecated; answered, never sent.</summary>
    Ping = 5,
}

/// <summary>A request or an answer. Immutable.</summary>
internal sealed record KademliaMessage(KademliaMessageType Type, ReadOnlyMemory<byte> Key)
{
    internal KademliaRecord? Record { get; init; }

    /// <summary>Peers nearer to the key.</summary>
    internal IReadOnlyList<Contact> CloserPeers { get; init; } = [];

    /// <summary>Peers that provide what the key names.</summary>
    internal IReadOnlyList<Contact> ProviderPeers { get; init; } = [];
}

/// <summary>A value under its key.</summary>
/// <param name="Key">The key, namespace included.</param>
/// <param name="Value">The value.</param>
/// <param name="TimeReceived">When the sender got it (RFC 3339), or empty.</param>
internal sealed record KademliaRecord(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, string TimeReceived = "")
{
    /// <summary>Whether the value may stand under the key; null as long as nobody has looked.</summary>
    internal bool? IsValid { get; init; }
}
