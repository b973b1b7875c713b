using System.Buffers.Binary;
using System.Security.Cryptography;
using Overlay.Proofs.Group;
using Overlay.Proofs.RangeProofs;

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

/// <summary>The only code that knows what a receipt's <c>commitment</c> field holds: total·B + blinding·B_blinding over ristretto255, which tells nobody the total.</summary>
/// <remarks>
/// The openings travel beside the receipt and never inside it. Sessions from before the total was hidden have it plain, as eight bytes, big-endian; their
/// receipts stay readable, and what is still to be signed in such a session is of that form. A session is of one form: hidden where its record has a seed.
/// </remarks>
public static class ReceiptCommitment
{
    /// <summary>Size of the field in bytes: a compressed point.</summary>
    public const int Size = CompressedPoint.Size;

    /// <summary>Size in bytes of a field with the plain total.</summary>
    public const int PlainSize = sizeof(ulong);

    /// <summary>Makes the field of the receipt that has this place in its session.</summary>
    /// <param name="opening">The leg's amounts, kept secret.</param>
    /// <param name="seed">The session's; null in a session that hides nothing.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="leg">The receipt's leg.</param>
    /// <param name="sequence">The receipt's sequence.</param>
    /// <exception cref="OverflowException">The total is over 2⁶³ - 1.</exception>
    public static byte[] Create(ReceiptOpening opening, BlindingSeed? seed, Digest sessionId, uint leg, ulong sequence)
    {
        long total = checked((long)opening.Total);
        byte[] field = new byte[seed is null ? PlainSize : Size];
        if (seed is null) BinaryPrimitives.WriteInt64BigEndian(field, total);
        else Pedersen.Commit((ulong)total, seed.DeriveBlinding(sessionId, leg, sequence)).Compress().Bytes.CopyTo(field);
        return field;
    }

    /// <summary>Whether <paramref name="field"/> hides its total.</summary>
    public static bool IsHidden(ReadOnlySpan<byte> field) => field.Length == Size;

    /// <summary>Whether <paramref name="field"/> is one that <see cref="Create"/> can have made: the one encoding of a point that is not the identity, or a plain total.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> field) => field.Length switch
    {
        Size => IsWellFormed(field, out _),
        PlainSize => BinaryPrimitives.ReadUInt64BigEndian(field) <= long.MaxValue,
        _ => false,
    };

    /// <summary>Whether a receipt commits to <paramref name="opening"/>. Never throws on what a peer sent.</summary>
    /// <param name="body">The receipt's body.</param>
    /// <param name="opening">What came beside it.</param>
    /// <param name="seed">The session's, or null for a session that hides nothing.</param>
    /// <returns>False also when the field is not of the session's form.</returns>
    public static bool Opens(ReceiptBody body, ReceiptOpening opening, BlindingSeed? seed)
    {
        ArgumentNullException.ThrowIfNull(body);
        ReadOnlySpan<byte> field = body.Commitment.Span;
        if (opening.Up > long.MaxValue || opening.Down > long.MaxValue || opening.Total > long.MaxValue || IsHidden(field) != seed is not null) return false;
        return CryptographicOperations.FixedTimeEquals(field, Create(opening, seed, body.SessionId, body.Leg, body.Sequence));
    }

    /// <summary>Whether many receipts of the hidden form all commit to what is beside them, several times faster than one by one.</summary>
    /// <remarks>Adds all equations up, each times 128 random bits: Σ zᵢ·Cᵢ = (Σ zᵢ·vᵢ)·B + (Σ zᵢ·rᵢ)·B_blinding. A false one among true ones passes with a chance of
    /// 2⁻¹²⁸. The blindings are multiplied in constant time.</remarks>
    internal static bool OpenAllVarTime(IReadOnlyList<(ReceiptBody Body, ReceiptOpening Opening, BlindingSeed Seed)> receipts)
    {
        var weights = new Scalar[receipts.Count];
        var commitments = new RistrettoPoint[receipts.Count];
        byte[] random = RandomNumberGenerator.GetBytes(16 * receipts.Count);
        Span<byte> wide = stackalloc byte[Scalar.Size];
        wide.Clear();
        (Scalar value, Scalar blinding) = (Scalar.Zero, Scalar.Zero);
        for (int i = 0; i < receipts.Count; i++)
        {
            (ReceiptBody body, ReceiptOpening opening, BlindingSeed seed) = receipts[i];
            if (!IsHidden(body.Commitment.Span) || !IsWellFormed(body.Commitment.Span, out commitments[i])) return false;
            if (opening.Up > long.MaxValue || opening.Down > long.MaxValue || opening.Total > long.MaxValue) return false;
            random.AsSpan(16 * i, 16).CopyTo(wide);
            Scalar.TryDecode(wide, out weights[i]);
            value += weights[i] * new Scalar(opening.Total);
            blinding += weights[i] * seed.DeriveBlinding(body.SessionId, body.Leg, body.Sequence);
        }

        return RistrettoPoint.MultiscalarMultiplyVarTime(weights, commitments).FixedTimeEquals(Pedersen.Commit(value, blinding));
    }

    private static bool IsWellFormed(ReadOnlySpan<byte> field, out RistrettoPoint point)
    {
        point = default;
        return field.ContainsAnyExcept((byte)0) && RistrettoPoint.TryDecode(field, out point);
    }
}
