using System.Buffers.Binary;

namespace Overlay.Proofs.Receipts;

/// <summary>What a leg amounts to: payload bytes that arrived, by direction, since the leg began.</summary>
/// <param name="Up">Bytes from consumer to provider.</param>
/// <param name="Down">Bytes from provider to consumer.</param>
public readonly record struct ReceiptOpening(ulong Up, ulong Down)
{
    /// <summary>Bytes in both directions together: what is paid for.</summary>
    /// <exception cref="OverflowException">The sum does not fit in 64 bits.</exception>
    public ulong Total => checked(Up + Down);
}

/// <summary>The only code that knows what a receipt's <c>commitment</c> field holds: the plain total, eight bytes, big-endian.</summary>
/// <remarks>The openings travel beside the receipt and never inside it, so that a field that hides the total can take this one's place.</remarks>
public static class ReceiptCommitment
{
    /// <summary>Size of the field in bytes.</summary>
    public const int Size = sizeof(ulong);

    /// <summary>Largest field that a decoder takes, in bytes.</summary>
    public const int MaxSize = Size;

    /// <summary>Makes the field for <paramref name="opening"/>.</summary>
    /// <exception cref="OverflowException">The total is over 2⁶³ - 1.</exception>
    public static byte[] Create(ReceiptOpening opening)
    {
        byte[] field = new byte[Size];
        BinaryPrimitives.WriteInt64BigEndian(field, checked((long)opening.Total));
        return field;
    }

    /// <summary>Whether <paramref name="field"/> is one that <see cref="Create"/> can have made.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> field) => field.Length == Size && BinaryPrimitives.ReadUInt64BigEndian(field) <= long.MaxValue;

    /// <summary>Whether <paramref name="field"/> commits to <paramref name="opening"/>. Never throws on what a peer sent.</summary>
    public static bool Opens(ReadOnlySpan<byte> field, ReceiptOpening opening) =>
        IsWellFormed(field)
        && opening.Up <= long.MaxValue && opening.Down <= long.MaxValue
        && BinaryPrimitives.ReadUInt64BigEndian(field) == unchecked(opening.Up + opening.Down);
}
