using System.Diagnostics.CodeAnalysis;
using Overlay.Proofs.Encoding;

namespace Overlay.Proofs.Receipts;

/// <summary>What both sides of a session sign: how much service one leg has given so far. See docs/protocols/receipt.md.</summary>
public sealed record ReceiptBody
{
    /// <summary>The version that this code writes and reads.</summary>
    public const ulong Version = 1;

    /// <summary>Largest encoded body in bytes; a decoder refuses more.</summary>
    public const int MaxSize = 512;

    /// <summary>The session, bound to one connection's handshake.</summary>
    public required Digest SessionId { get; init; }

    /// <summary>Which leg of the session, from 0. Totals start again from zero with each leg.</summary>
    public required uint Leg { get; init; }

    /// <summary>Who gave the service.</summary>
    public required PublicKey Provider { get; init; }

    /// <summary>Who used it.</summary>
    public required PublicKey Consumer { get; init; }

    /// <summary>From 0, one more with each receipt of the leg.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>Whether this is the leg's last receipt.</summary>
    public required bool Final { get; init; }

    /// <summary>What <see cref="ReceiptCommitment"/> made of the leg's total: 32 bytes that hide it, or 8 with the plain number in sessions of before.</summary>
    public required ReadOnlyMemory<byte> Commitment { get; init; }

    /// <summary>Price in micro-credits (10⁻⁶ credit) for a GiB.</summary>
    public required ulong PricePerGiB { get; init; }

    /// <summary>Number of the epoch (hours since the Unix epoch) in which the leg began.</summary>
    public required ulong Epoch { get; init; }

    /// <summary>Hash of the receipt before this one in the same session; zero for the session's first.</summary>
    public required Digest PreviousReceiptHash { get; init; }

    /// <summary>When the consumer issued it, in seconds since the Unix epoch, by its own clock.</summary>
    public required ulong IssuedAt { get; init; }

    /// <summary>Whether two bodies say the same, and so have the same encoding.</summary>
    public bool Equals(ReceiptBody? other) => other is not null && Encode().AsSpan().SequenceEqual(other.Encode());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(SessionId, Leg, Sequence);

    /// <summary>The body's one encoding.</summary>
    /// <remarks>Does not judge the fields; <see cref="Receipt.Issue"/> refuses to sign one that no decoder would take.</remarks>
    public byte[] Encode() => new CanonicalWriter(12)
        .Write(Version).Write(SessionId.Bytes).Write(Leg).Write(Provider.Bytes).Write(Consumer.Bytes).Write(Sequence).Write(Final)
        .Write(Commitment.Span).Write(PricePerGiB).Write(Epoch).Write(PreviousReceiptHash.Bytes).Write(IssuedAt).ToArray();

    /// <summary>Decodes a body; false for any bytes that <see cref="Encode"/> would not have written.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out ReceiptBody? body)
    {
        if (TryDecodeUnchecked(encoded, out body) && ReceiptCommitment.IsWellFormed(body.Commitment.Span)) return true;
        body = null;
        return false;
    }

    /// <summary>Decodes a body without asking whether its commitment is a point, which takes longer than all the rest.</summary>
    internal static bool TryDecodeUnchecked(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out ReceiptBody? body)
    {
        body = null;
        if (encoded.Length > MaxSize) return false;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(12) || !reader.TryReadUInt64(Version, out ulong version) || version != Version
            || !reader.TryReadDigest(out Digest sessionId)
            || !reader.TryReadUInt32(uint.MaxValue, out uint leg)
            || !reader.TryReadPublicKey(out PublicKey provider)
            || !reader.TryReadPublicKey(out PublicKey consumer)
            || !reader.TryReadUInt64(long.MaxValue, out ulong sequence)
            || !reader.TryReadBoolean(out bool final)
            || !reader.TryReadBytes(1, ReceiptCommitment.Size, out ReadOnlySpan<byte> commitment)
            || !reader.TryReadUInt64(long.MaxValue, out ulong price)
            || !reader.TryReadUInt64(uint.MaxValue, out ulong epoch)
            || !reader.TryReadDigest(out Digest previous)
            || !reader.TryReadUInt64(long.MaxValue, out ulong issuedAt)
            || !reader.IsComplete
            || commitment.Length is not (ReceiptCommitment.Size or ReceiptCommitment.PlainSize)) return false;

        body = new ReceiptBody
        {
            SessionId = sessionId,
            Leg = leg,
            Provider = provider,
            Consumer = consumer,
            Sequence = sequence,
            Final = final,
            Commitment = commitment.ToArray(),
            PricePerGiB = price,
            Epoch = epoch,
            PreviousReceiptHash = previous,
            IssuedAt = issuedAt,
        };
        return true;
    }
}
