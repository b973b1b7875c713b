namespace Overlay.Gossip;

/// <summary>What tells one message from another: bytes made by <see cref="GossipOptions.MessageIds"/>, the same at every node of a topic.</summary>
/// <remarks>The hash is seeded anew in each process, so nobody can choose ids that collide in a table here.</remarks>
internal readonly struct MessageId : IEquatable<MessageId>
{
    private readonly byte[]? _bytes;
    private readonly int _hash;

    internal MessageId(byte[] bytes)
    {
        _bytes = bytes;
        var hash = default(HashCode);
        hash.AddBytes(bytes);
        _hash = hash.ToHashCode();
    }

    internal ReadOnlyMemory<byte> Bytes => _bytes;

    internal int Size => _bytes?.Length ?? 0;

    public bool Equals(MessageId other) => _hash == other._hash && _bytes.AsSpan().SequenceEqual(other._bytes);

    public override bool Equals(object? obj) => obj is MessageId other && Equals(other);

    public override int GetHashCode() => _hash;

    public override string ToString() => Convert.ToHexStringLower(_bytes.AsSpan());
}
