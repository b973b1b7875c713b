using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>A session as a row: its record, how many receipts it has and the hash of the newest (zero for none).</summary>
internal sealed record SessionRow(long Ordinal, SessionRecord Record, long Receipts, Digest Head)
{
    // A record without a seed is written as it was before there were any, so that each has one encoding still.
    private const ulong PlainVersion = 1, SeededVersion = 2;

    /// <summary>SHA-256 over the tag, ordinal, receipt count (8 bytes each, big-endian), head and encoded record: every column says something under it.</summary>
    public byte[] Checksum(ReadOnlySpan<byte> encodedRecord)
    {
        Span<byte> numbers = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(numbers, Ordinal);
        BinaryPrimitives.WriteInt64BigEndian(numbers[8..], Receipts);
        return SHA256.HashData([.. "overlay/ledger/session/1\0"u8, .. numbers, .. Head.Bytes, .. encodedRecord]);
    }

    /// <summary>The record's one encoding.</summary>
    public static byte[] Encode(SessionRecord record)
    {
        CanonicalWriter writer = record.Seed is null ? new CanonicalWriter(13).Write(PlainVersion) : new CanonicalWriter(14).Write(SeededVersion);
        writer.Write(record.SessionId.Bytes).Write((ulong)record.Role).Write(record.Counterparty.Bytes).Write(record.OfferId.Bytes)
            .Write(record.PricePerGiB).Write(record.CreditWindow).Write(record.Leg).Write(record.Counted.Up).Write(record.Counted.Down)
            .Write(record.CountedExactly).Write((ulong)record.State).Write(record.OpenedAt);
        return (record.Seed is null ? writer : writer.Write(record.Seed.Bytes)).ToArray();
    }

    /// <summary>Decodes a record; false for any bytes that <see cref="Encode"/> would not have written.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out SessionRecord? record)
    {
        record = null;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(13, 14, out int count) || !reader.TryReadUInt64(SeededVersion, out ulong version)
            || version != (count == 13 ? PlainVersion : SeededVersion)
            || !reader.TryReadDigest(out Digest sessionId)
            || !reader.TryReadUInt64((ulong)LedgerRole.Consumer, out ulong role) || role == 0
            || !reader.TryReadPublicKey(out PublicKey counterparty)
            || !reader.TryReadDigest(out Digest offerId)
            || !reader.TryReadUInt64(ulong.MaxValue, out ulong price)
            || !reader.TryReadUInt64(ulong.MaxValue, out ulong window)
            || !reader.TryReadUInt32(uint.MaxValue, out uint leg)
            || !reader.TryReadUInt64(ulong.MaxValue, out ulong up)
            || !reader.TryReadUInt64(ulong.MaxValue, out ulong down)
            || !reader.TryReadBoolean(out bool exactly)
            || !reader.TryReadUInt64((ulong)SessionState.Disputed, out ulong state) || state == 0
            || !reader.TryReadUInt64(ulong.MaxValue, out ulong openedAt)) return false;
        ReadOnlySpan<byte> seed = default;
        if ((version == SeededVersion && !reader.TryReadBytes(BlindingSeed.Size, BlindingSeed.Size, out seed)) || !reader.IsComplete) return false;

        record = new SessionRecord
        {
            SessionId = sessionId,
            Role = (LedgerRole)role,
            Counterparty = counterparty,
            OfferId = offerId,
            PricePerGiB = price,
            CreditWindow = window,
            Leg = leg,
            Counted = new ReceiptOpening(up, down),
            CountedExactly = exactly,
            State = (SessionState)state,
            OpenedAt = openedAt,
            Seed = seed.IsEmpty ? null : new BlindingSeed(seed),
        };
        return true;
    }
}

/// <summary>A receipt as a row of the session whose row has the ordinal <paramref name="Session"/>.</summary>
internal sealed record ReceiptRow(long Ordinal, long Session, ReceiptEntry Entry)
{
    /// <summary>SHA-256 over the tag, ordinal, session's ordinal, up, down (8 bytes each, big-endian) and the encoded receipt, which itself holds leg and sequence.</summary>
    public static byte[] Checksum(long ordinal, long session, ReceiptOpening opening, ReadOnlySpan<byte> encodedReceipt)
    {
        Span<byte> numbers = stackalloc byte[32];
        BinaryPrimitives.WriteInt64BigEndian(numbers, ordinal);
        BinaryPrimitives.WriteInt64BigEndian(numbers[8..], session);
        BinaryPrimitives.WriteUInt64BigEndian(numbers[16..], opening.Up);
        BinaryPrimitives.WriteUInt64BigEndian(numbers[24..], opening.Down);
        return SHA256.HashData([.. "overlay/ledger/receipt/1\0"u8, .. numbers, .. encodedReceipt]);
    }
}
