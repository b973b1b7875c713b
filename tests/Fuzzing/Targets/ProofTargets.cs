using System.Text;
using Overlay.Fuzzing.Engine;
using Overlay.Proofs;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;

namespace Overlay.Fuzzing.Targets;

/// <summary>Receipts as they travel, as they are stored, their bodies alone, and bodies of any content signed well by both sides.</summary>
/// <remarks>Input: a byte for the kind, then a receipt (0: checked, 1: unchecked), a body (2), or a body to be signed (3).</remarks>
internal sealed class ReceiptTarget : FuzzTarget
{
    internal override string Name => "receipt";

    internal override int MaxSize => Receipt.MaxSize + 64;

    // A curve's arithmetic, for two signatures.
    internal override int FixedAllocation => 16 * 1024;

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            byte[] whole = ReceiptSamples.Countersigned.Encode(), half = ReceiptSamples.Issued.Encode(), body = ReceiptSamples.Body.Encode();
            return [[0, .. whole], [0, .. half], [1, .. whole], [2, .. body], [3, .. body]];
        }
    }

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        Receipt? receipt;
        switch (parts.TakeByte())
        {
            case 0:
                meter.Start();
                bool valid = Receipt.TryDecode(parts.Rest, out receipt);
                meter.Stop();
                if (valid) Check(receipt!, parts.Rest);
                return valid;
            case 1:
                meter.Start();
                bool read = Receipt.TryDecodeUnchecked(parts.Rest, out receipt);
                meter.Stop();
                if (read) Check(receipt!, parts.Rest);
                return read;
            case 2:
                meter.Start();
                bool decoded = ReceiptBody.TryDecode(parts.Rest, out ReceiptBody? body);
                meter.Stop();
                if (decoded) Invariant.Same(parts.Rest, body!.Encode(), "A body has one encoding");
                return decoded;
            default:
                return RunSigned(parts.Rest, meter);
        }
    }

    // The consumer's key signs whatever it is given; only a body that names both keys is a receipt of theirs.
    private static bool RunSigned(ReadOnlySpan<byte> body, AllocationMeter meter)
    {
        byte[] consumer = new byte[64], provider = new byte[64];
        byte[] tagged = [.. "overlay/receipt/1\0"u8, .. body];
        FuzzKeys.PeerSigner.Sign(tagged, consumer);
        FuzzKeys.OwnSigner.Sign(tagged, provider);
        byte[] encoded = new CanonicalWriter(3).Write(body).Write(consumer).Write(provider).ToArray();
        meter.Start();
        bool valid = Receipt.TryDecode(encoded, out Receipt? receipt);
        meter.Stop();
        if (!valid) return false;
        Check(receipt!, encoded);
        Invariant.Holds(receipt!.Body.Consumer == FuzzKeys.PeerSigner.PublicKey && receipt.Body.Provider == FuzzKeys.OwnSigner.PublicKey && receipt.IsCountersigned, "A receipt is its signers'.");
        return true;
    }

    private static void Check(Receipt receipt, ReadOnlySpan<byte> encoded)
    {
        Invariant.Same(encoded, receipt.Encode(), "A receipt has one encoding");
        Invariant.Same(receipt.EncodedBody.Span, receipt.Body.Encode(), "A receipt's body has one encoding");
        ReceiptBody body = receipt.Body;
        Invariant.Holds(body.Sequence <= long.MaxValue && body.PricePerGiB <= long.MaxValue && body.IssuedAt <= long.MaxValue, "Numbers fit where they are stored.");
        Invariant.Holds(!ReceiptCommitment.Opens(body, new ReceiptOpening(ulong.MaxValue, 1), null), "No commitment opens to a sum that wraps around.");
    }
}

/// <summary>Records of sessions as rows of a ledger.</summary>
internal sealed class LedgerRowTarget : FuzzTarget
{
    internal override string Name => "ledger-row";

    internal override int MaxSize => 512;

    internal override IEnumerable<byte[]> Seeds => new[] { SessionState.Open, SessionState.Disputed }.Select(state => SessionRow.Encode(ReceiptSamples.Session with { State = state }));

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        meter.Start();
        bool valid = SessionRow.TryDecode(input, out SessionRecord? record);
        meter.Stop();
        if (!valid) return false;
        Invariant.Holds(Enum.IsDefined(record!.Role) && Enum.IsDefined(record.State), "A record's role and state are known ones.");
        Invariant.Same(input, SessionRow.Encode(record), "A record has one encoding");
        return true;
    }
}

/// <summary>The canonical reader by itself: whatever is read in whatever order, writing it gives the bytes that were read.</summary>
/// <remarks>Input: how many elements (lowest five bits of the first byte), a byte for the kind of each, then the bytes.</remarks>
internal sealed class CanonicalReaderTarget : FuzzTarget
{
    private const int MaxText = 300;

    internal override string Name => "canonical-reader";

    internal override int MaxSize => 2048;

    internal override IEnumerable<byte[]> Seeds =>
    [
        [6, 0, 1, 2, 3, 4, 5, .. new CanonicalWriter(6).Write(ulong.MaxValue).Write(7).Write(true).Write([1, 2, 3]).Write("é").Write(FuzzKeys.Seed(1)).ToArray()],
        [17, .. new byte[17], .. Numbers()],
        [2, 3, 4, .. new CanonicalWriter(2).Write(new byte[300]).Write(new string('x', 290)).ToArray()],
        [1, 4, 0x91, 0xD9, 0x05, .. "abcde"u8],
        [1, 0, 0x91, 0xCC, 0x05],
    ];

    internal override IReadOnlyList<byte[]> Words { get; } = [[0xCC], [0xCD, 0x01, 0x00], [0xCE], [0xCF], [0xC4, 0x20], [0xC5, 0x01, 0x00], [0xC6, 0, 1, 0, 0], [0xD9, 0x20], [0xDA, 0x01, 0x00], [0xDC, 0x00, 0x10], [0xC2], [0xC3]];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        int count = parts.TakeByte() & 0x1F;
        ReadOnlySpan<byte> kinds = parts.Take(count);
        count = kinds.Length;
        var writer = new CanonicalWriter(count);
        var reader = new CanonicalReader(parts.Rest);
        if (!reader.TryReadArrayHeader(0, 31, out int announced) || announced != count) return false;
        foreach (byte kind in kinds)
        {
            if (TryCopy(ref reader, writer, kind, meter)) continue;
            Invariant.Holds(reader.Failed && !reader.IsComplete && !reader.TryReadUInt64(ulong.MaxValue, out _), "A reader that failed stays failed.");
            return false;
        }

        if (!reader.IsComplete) return false;
        Invariant.Same(parts.Rest, writer.ToArray(), "Everything has one encoding");
        return true;
    }

    private static bool TryCopy(ref CanonicalReader reader, CanonicalWriter writer, byte kind, AllocationMeter meter)
    {
        switch (kind % 7)
        {
            case 0 when reader.TryReadUInt64(ulong.MaxValue, out ulong number):
                writer.Write(number);
                return true;
            case 1 when reader.TryReadUInt32(uint.MaxValue, out uint number):
                writer.Write(number);
                return true;
            case 2 when reader.TryReadBoolean(out bool truth):
                writer.Write(truth);
                return true;
            case 3 when reader.TryReadBytes(0, int.MaxValue, out ReadOnlySpan<byte> bytes):
                writer.Write(bytes);
                return true;
            case 4:
                meter.Start();
                bool read = reader.TryReadString(MaxText, out string text);
                meter.Stop();
                Invariant.Holds(Encoding.UTF8.GetByteCount(text) <= MaxText, "A text is no longer than allowed.");
                if (read) writer.Write(text);
                return read;
            case 5 when reader.TryReadDigest(out Digest digest):
                writer.Write(digest.Bytes);
                return true;
            case 6 when reader.TryReadPublicKey(out PublicKey key):
                writer.Write(key.Bytes);
                return true;
            default:
                return false;
        }
    }

    private static byte[] Numbers()
    {
        var writer = new CanonicalWriter(17);
        for (int bits = 0; bits < 17; bits++) writer.Write((1UL << (4 * bits % 64)) - (bits % 2 == 0 ? 1UL : 0));
        return writer.ToArray();
    }
}

internal static class ReceiptSamples
{
    private static BlindingSeed Seed { get; } = new(FuzzKeys.Seed(23));

    internal static ReceiptBody Body { get; } = new()
    {
        SessionId = new Digest(FuzzKeys.Seed(20)),
        Leg = 1,
        Provider = FuzzKeys.OwnSigner.PublicKey,
        Consumer = FuzzKeys.PeerSigner.PublicKey,
        Sequence = 300,
        Final = true,
        Commitment = ReceiptCommitment.Create(new ReceiptOpening(1000, 2_000_000), Seed, new Digest(FuzzKeys.Seed(20)), 1, 300),
        PricePerGiB = 50_000,
        Epoch = 500_000,
        PreviousReceiptHash = new Digest(FuzzKeys.Seed(21)),
        IssuedAt = 1_800_000_005,
    };

    internal static Receipt Issued { get; } = Receipt.Issue(Body, FuzzKeys.PeerSigner);

    internal static Receipt Countersigned { get; } = Issued.Countersign(FuzzKeys.OwnSigner);

    internal static SessionRecord Session { get; } = new()
    {
        SessionId = Body.SessionId,
        Role = LedgerRole.Consumer,
        Counterparty = Body.Provider,
        OfferId = new Digest(FuzzKeys.Seed(22)),
        PricePerGiB = Body.PricePerGiB,
        CreditWindow = 262_144,
        Leg = 1,
        Counted = new ReceiptOpening(1000, 2_000_000),
        CountedExactly = true,
        State = SessionState.Open,
        OpenedAt = 1_800_000_000,
        Seed = Seed,
    };
}
