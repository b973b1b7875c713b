using CsCheck;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Receipts;

public sealed class ReceiptTests
{
    private static readonly SessionScript s_script = new(1, LedgerRole.Provider);

    private static readonly Gen<ReceiptBody> s_bodies = Gen.Select(Gen.UInt, Gen.ULong[0, long.MaxValue], Gen.Bool, Gen.ULong[0, long.MaxValue], Gen.UInt, Gen.Byte.Array[32])
        .Select((leg, number, final, total, epoch, digest) => s_script.DueBody() with
        {
            SessionId = new Digest(digest),
            Leg = leg,
            Sequence = number,
            Final = final,
            Commitment = ReceiptCommitment.Create(new ReceiptOpening(total, 0), final ? null : s_script.Record.Seed, new Digest(digest), leg, number),
            PricePerGiB = total ^ number,
            Epoch = epoch,
            PreviousReceiptHash = new Digest(digest),
            IssuedAt = number,
        });

    [Fact]
    public void Body_AnyFields_RoundTripsToTheSameBytes() => s_bodies.Sample(
        body =>
        {
            byte[] encoded = body.Encode();
            Assert.True(encoded.Length <= ReceiptBody.MaxSize);
            Assert.True(ReceiptBody.TryDecode(encoded, out ReceiptBody? decoded));
            Assert.Equal(body, decoded);
            Assert.Equal(body.GetHashCode(), decoded.GetHashCode());
            Assert.Equal(encoded, decoded.Encode());
        }, iter: 2000);

    [Fact]
    public void Receipt_Largest_FitsAndRoundTrips()
    {
        ReceiptBody largest = s_script.DueBody() with
        {
            Leg = uint.MaxValue,
            Sequence = long.MaxValue,
            Commitment = ReceiptCommitment.Create(new ReceiptOpening(long.MaxValue, 0), s_script.Record.Seed, default, 0, 0),
            PricePerGiB = long.MaxValue,
            Epoch = uint.MaxValue,
            IssuedAt = long.MaxValue,
        };
        byte[] encoded = Receipt.Issue(largest, s_script.Consumer).Countersign(s_script.Provider).Encode();

        // The sizes that docs/protocols/receipt.md states.
        Assert.Equal(210, largest.Encode().Length);
        Assert.Equal(345, encoded.Length);
        Assert.True(Receipt.TryDecode(encoded, out Receipt? decoded));
        Assert.Equal(encoded, decoded.Encode());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TryDecode_AnyBitChanged_False(bool countersigned)
    {
        Receipt receipt = s_script.Make(s_script.DueBody(), s_script.DueOpening, countersigned).Receipt;
        byte[] encoded = receipt.Encode();
        Assert.True(Receipt.TryDecode(encoded, out Receipt? decoded));
        Assert.Equal((receipt.Hash, countersigned), (decoded.Hash, decoded.IsCountersigned));
        for (int bit = 0; bit < encoded.Length * 8; bit++)
        {
            byte[] changed = [.. encoded];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Receipt.TryDecode(changed, out Receipt? none), $"bit {bit}");
            Assert.Null(none);
        }
    }

    [Fact]
    public void TryDecode_TruncatedOrContinued_False()
    {
        byte[] encoded = s_script.Make(s_script.DueBody(), s_script.DueOpening).Receipt.Encode();
        for (int size = 0; size < encoded.Length; size++) Assert.False(Receipt.TryDecode(encoded.AsSpan(0, size), out _));
        Assert.False(Receipt.TryDecode([.. encoded, 0], out _));
        Assert.False(Receipt.TryDecode(new byte[Receipt.MaxSize + 1], out _));

        byte[] body = s_script.DueBody().Encode();
        for (int size = 0; size < body.Length; size++) Assert.False(ReceiptBody.TryDecode(body.AsSpan(0, size), out _));
        Assert.False(ReceiptBody.TryDecode([.. body, 0], out _));
    }

    [Fact]
    public void TryDecode_AnyBytes_NeverThrows() => Gen.Byte.Array[0, 400].Sample(bytes => Assert.False(Receipt.TryDecode(bytes, out _)), iter: 5000);

    [Fact]
    public void TryDecode_SignedGarbageForABody_False() => Gen.Byte.Array[0, 60].Sample(
        bytes =>
        {
            byte[] signature = new byte[64];
            s_script.Consumer.Sign([.. "overlay/receipt/1\0"u8, .. bytes], signature);
            Assert.False(Receipt.TryDecode(new CanonicalWriter(3).Write(bytes).Write(signature).Write([]).ToArray(), out _));
        }, iter: 200);

    [Fact]
    public void TryDecode_SignaturesSwappedOrOfAnotherReceipt_False()
    {
        Receipt one = s_script.Make(s_script.DueBody(), s_script.DueOpening).Receipt;
        Receipt other = s_script.Make(s_script.DueBody(final: true), s_script.DueOpening).Receipt;
        Assert.False(Decodes(one.EncodedBody, one.ProviderSignature, one.ConsumerSignature));
        Assert.False(Decodes(one.EncodedBody, one.ConsumerSignature, one.ConsumerSignature));
        Assert.False(Decodes(one.EncodedBody, other.ConsumerSignature, one.ProviderSignature));
        Assert.False(Decodes(one.EncodedBody, one.ConsumerSignature, other.ProviderSignature));
        Assert.False(Decodes(one.EncodedBody, one.ConsumerSignature, one.ProviderSignature[..63]));
        Assert.False(Decodes(one.EncodedBody, default, one.ProviderSignature));
        Assert.True(Decodes(one.EncodedBody, one.ConsumerSignature, default));
        Assert.NotEqual(one.Hash, other.Hash);
    }

    [Fact]
    public void TryDecode_VersionOrFieldOutOfRange_False()
    {
        ReceiptBody due = s_script.DueBody();
        byte[] version = due.Encode();
        version[1] = 2;
        Assert.False(ReceiptBody.TryDecode(version, out _));
        Assert.False(ReceiptBody.TryDecode((due with { Sequence = 1ul << 63 }).Encode(), out _));
        Assert.False(ReceiptBody.TryDecode((due with { PricePerGiB = 1ul << 63 }).Encode(), out _));
        Assert.False(ReceiptBody.TryDecode((due with { Epoch = 1ul << 32 }).Encode(), out _));
        Assert.False(ReceiptBody.TryDecode((due with { IssuedAt = 1ul << 63 }).Encode(), out _));
        Assert.False(ReceiptBody.TryDecode((due with { Commitment = new byte[7] }).Encode(), out _));
        Assert.False(ReceiptBody.TryDecode((due with { Commitment = new byte[9] }).Encode(), out _));
        Assert.False(ReceiptBody.TryDecode((due with { Commitment = new byte[] { 0x80, 0, 0, 0, 0, 0, 0, 0 } }).Encode(), out _));
    }

    [Fact]
    public void Sign_WrongKeyOrUndecodableBody_IsTheCallersMistake()
    {
        ReceiptBody due = s_script.DueBody();
        Assert.Throws<ArgumentException>(() => Receipt.Issue(due, s_script.Provider));
        Assert.Throws<ArgumentException>(() => Receipt.Issue(due with { PricePerGiB = ulong.MaxValue }, s_script.Consumer));
        Assert.Throws<ArgumentException>(() => Receipt.Issue(due, s_script.Consumer).Countersign(s_script.Consumer));
    }

    private static bool Decodes(ReadOnlyMemory<byte> body, ReadOnlyMemory<byte> consumer, ReadOnlyMemory<byte> provider) =>
        Receipt.TryDecode(new CanonicalWriter(3).Write(body.Span).Write(consumer.Span).Write(provider.Span).ToArray(), out _);
}
