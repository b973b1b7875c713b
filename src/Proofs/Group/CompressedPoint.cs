using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Overlay.Proofs.Group;

/// <summary>32 bytes that say they encode an element of ristretto255 (RFC 9496). Holding them says nothing of their validity; decoding to a <see cref="RistrettoPoint"/> tells.</summary>
public readonly struct CompressedPoint : IEquatable<CompressedPoint>
{
    /// <summary>Size of the value in bytes.</summary>
    public const int Size = 32;

    private readonly Block _bytes;

    /// <summary>Copies a value from its bytes.</summary>
    /// <param name="bytes">Exactly <see cref="Size"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> has another length.</exception>
    public CompressedPoint(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"Expected {Size} bytes, got {bytes.Length}.", nameof(bytes));
        bytes.CopyTo(_bytes);
    }

    /// <summary>The encoding of the identity: all zero, as in a default instance.</summary>
    public static CompressedPoint Identity => default;

    /// <summary>The bytes of this value.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>True for the encoding of the identity.</summary>
    public bool IsIdentity => !Bytes.ContainsAnyExcept((byte)0);

    /// <inheritdoc/>
    public bool Equals(CompressedPoint other) => Bytes.SequenceEqual(other.Bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is CompressedPoint other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    /// <summary>The value as 64 lower-case hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(Bytes);

    /// <summary>Whether two values are the same.</summary>
    public static bool operator ==(CompressedPoint left, CompressedPoint right) => left.Equals(right);

    /// <summary>Whether two values differ.</summary>
    public static bool operator !=(CompressedPoint left, CompressedPoint right) => !left.Equals(right);

    [InlineArray(Size)]
    private struct Block
    {
        private byte _first;
    }
}
