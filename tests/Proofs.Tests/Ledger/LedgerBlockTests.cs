using CsCheck;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Ledger;

public sealed class LedgerBlockTests
{
    private static readonly LedgerHead s_head = new(new SeedSigner(2).PublicKey, 7, MerkleTree.EmptyRoot);

    [Fact]
    public void Block_WithHeads_RoundTripsToTheSameBytes()
    {
        var script = new BlockScript();
        foreach (LedgerBlock block in new[] { script.Next(), script.Next(s_head) })
        {
            byte[] encoded = block.Encode();
            Assert.True(LedgerBlock.TryDecode(encoded, out LedgerBlock? decoded));
            Assert.Equal(encoded, decoded.Encode());
            Assert.Equal((block.Hash, block.Body, block.Head), (decoded.Hash, decoded.Body, decoded.Head));
        }
    }

    [Fact]
    public void TryDecode_AnyBitChanged_False()
    {
        byte[] encoded = new BlockScript().Next(s_head).Encode();
        for (int bit = 0; bit < encoded.Length * 8; bit++)
        {
            byte[] changed = [.. encoded];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(LedgerBlock.TryDecode(changed, out LedgerBlock? none), $"bit {bit}");
            Assert.Null(none);
        }
    }

    [Fact]
    public void TryDecode_TruncatedContinuedOrAnyBytes_False()
    {
        byte[] encoded = new BlockScript().Next(s_head).Encode();
        for (int size = 0; size < encoded.Length; size++) Assert.False(LedgerBlock.TryDecode(encoded.AsSpan(0, size), out _));
        Assert.False(LedgerBlock.TryDecode([.. encoded, 0], out _));
        Assert.False(LedgerBlock.TryDecode(new byte[LedgerBlock.MaxSize + 1], out _));
        Gen.Byte.Array[0, 400].Sample(bytes => Assert.False(LedgerBlock.TryDecode(bytes, out _)), iter: 2000);
    }

    [Fact]
    public void Block_Largest_FitsAndRoundTrips()
    {
        LedgerHead[] heads = [.. Enumerable.Range(2, LedgerBlockBody.MaxHeadCount).Select(i => new LedgerHead(new SeedSigner(i).PublicKey, long.MaxValue, s_head.BlockHash)).OrderBy(head => head.Author)];
        var script = new BlockScript();
        LedgerBlock block = script.Next(script.DueBody(heads) with
        {
            Sequence = long.MaxValue,
            PreviousBlockHash = s_head.BlockHash,
            Epoch = uint.MaxValue,
            ReceiptCount = LedgerBlockBody.MaxReceiptCount,
            Time = long.MaxValue,
        });

        // The sizes that docs/protocols/ledger.md states.
        Assert.Equal(5127, block.EncodedBody.Length);
        Assert.Equal(5197, block.Encode().Length);
        Assert.True(LedgerBlock.TryDecode(block.Encode(), out _));
        Assert.False(LedgerBlockBody.TryDecode((script.DueBody() with { Heads = [.. heads, s_head] }).Encode(), out _));
    }

    [Fact]
    public void TryDecode_FieldOutOfRangeOrHeadsOutOfOrder_False()
    {
        var script = new BlockScript();
        LedgerBlockBody due = script.DueBody();
        LedgerHead own = s_head with { Author = script.Author.PublicKey }, other = s_head with { Author = new SeedSigner(3).PublicKey };
        LedgerHead[] sorted = s_head.Author < other.Author ? [s_head, other] : [other, s_head];
        Assert.True(Decodes(due));
        Assert.True(Decodes(due with { Heads = sorted }));
        Assert.False(Decodes(due with { Heads = [sorted[1], sorted[0]] }));
        Assert.False(Decodes(due with { Heads = [s_head, s_head] }));
        Assert.False(Decodes(due with { Heads = [own] }));
        Assert.False(Decodes(due with { Heads = [s_head with { Sequence = 1ul << 63 }] }));
        Assert.False(Decodes(due with { Sequence = 1 }));
        Assert.False(Decodes(due with { Sequence = 1ul << 63, PreviousBlockHash = s_head.BlockHash }));
        Assert.False(Decodes(due with { PreviousBlockHash = s_head.BlockHash }));
        Assert.False(Decodes(due with { Epoch = 1ul << 32 }));
        Assert.False(Decodes(due with { ReceiptCount = LedgerBlockBody.MaxReceiptCount + 1 }));
        Assert.False(Decodes(due with { Time = 1ul << 63 }));
        byte[] version = due.Encode();
        version[1] = 2;
        Assert.False(LedgerBlockBody.TryDecode(version, out _));
    }

    [Fact]
    public void Seal_WrongKeyOrUndecodableBody_IsTheCallersMistake()
    {
        var script = new BlockScript();
        Assert.Throws<ArgumentException>(() => LedgerBlock.Seal(script.DueBody(), new SeedSigner(2)));
        Assert.Throws<ArgumentException>(() => LedgerBlock.Seal(script.DueBody() with { Time = ulong.MaxValue }, script.Author));
    }

    [Fact]
    public void ForkProof_TwoBlocksInOnePlace_HoldsAndTravels()
    {
        var script = new BlockScript();
        script.Next();
        LedgerBlockBody due = script.DueBody();
        LedgerBlock one = LedgerBlock.Seal(due, script.Author), other = LedgerBlock.Seal(due with { Time = due.Time + 1 }, script.Author);

        Assert.True(ForkProof.TryCreate(one, other, out ForkProof? proof));
        Assert.True(ForkProof.TryCreate(other, one, out ForkProof? mirrored));
        byte[] encoded = proof.Encode();
        Assert.Equal(encoded, mirrored.Encode());
        Assert.True(ForkProof.TryDecode(encoded, out ForkProof? decoded));
        Assert.Equal((script.Author.PublicKey, 1ul, proof.First.Hash, proof.Second.Hash), (decoded.Author, decoded.Sequence, decoded.First.Hash, decoded.Second.Hash));
        Assert.False(ForkProof.TryDecode(new CanonicalWriter(3).Write(1).Write(proof.Second.Encode()).Write(proof.First.Encode()).ToArray(), out _));
        for (int at = 0; at < encoded.Length; at++)
        {
            byte[] changed = [.. encoded];
            changed[at] ^= 1;
            Assert.False(ForkProof.TryDecode(changed, out _), $"byte {at}");
            Assert.False(ForkProof.TryDecode(encoded.AsSpan(0, at), out _));
        }
    }

    [Fact]
    public void ForkProof_NoFork_IsNone()
    {
        var script = new BlockScript();
        LedgerBlock first = script.Next(), second = script.Next();
        LedgerBlock foreign = new BlockScript(2).Next();
        Assert.False(ForkProof.TryCreate(first, first, out _));
        Assert.False(ForkProof.TryCreate(first, second, out _));
        Assert.False(ForkProof.TryCreate(first, foreign, out _));
        foreach (LedgerBlock other in new[] { first, second, foreign })
            Assert.False(ForkProof.TryDecode(new CanonicalWriter(3).Write(1).Write(first.Encode()).Write(other.Encode()).ToArray(), out _));
    }

    private static bool Decodes(LedgerBlockBody body) => LedgerBlockBody.TryDecode(body.Encode(), out _);
}
