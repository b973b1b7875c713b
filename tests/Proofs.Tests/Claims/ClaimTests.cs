using System.Security.Cryptography;
using System.Text.Json;
using CsCheck;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Group;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.RangeProofs;
using Overlay.TestKit;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Claims;

public sealed class ClaimTests
{
    private static readonly ClaimScript s_script = new(3, perBlock: 2);
    private static readonly byte[] s_encoded = Create(s_script, s_script.Statements).Encode();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(1000)]
    public void Verify_HonestClaim_Valid(int count)
    {
        var script = new ClaimScript(count, consumers: Math.Min(count, 50));
        byte[] encoded = script.Claim(script.Statements).Encode();

        ClaimVerdict verdict = ClaimVerifier.Verify(encoded);

        Assert.Equal("valid", verdict.ToString());
        Assert.Equal((count, Math.Min(count, 50), ClaimScript.Epoch), (verdict.Claim!.Receipts.Count, verdict.Claim.ConsumerCount, verdict.Claim.Epoch));
        Assert.Equal(encoded, verdict.Claim.Encode());
        Assert.Equal(script.Statements, verdict.Claim.Statements);
        // Pieces all over a large file.
        for (int at = 0; at < encoded.Length; at += encoded.Length / 40)
        {
            encoded[at] ^= 1;
            Assert.False(ClaimVerifier.Verify(encoded).IsValid, $"byte {at}");
            encoded[at] ^= 1;
        }
    }

    [Fact]
    public void Verify_AnyByteFlipped_NotValid()
    {
        Assert.True(ClaimVerifier.Verify(s_encoded).IsValid);
        for (int at = 0; at < s_encoded.Length; at++)
        {
            byte[] changed = [.. s_encoded];
            changed[at] ^= (byte)(1 << (at % 8));
            ClaimVerdict verdict = ClaimVerifier.Verify(changed);
            Assert.False(verdict.IsValid, $"byte {at}");
            Assert.StartsWith("not valid, because ", verdict.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Verify_TruncatedContinuedOrAnyBytes_NotValid()
    {
        for (int size = 0; size < s_encoded.Length; size++) Assert.False(ClaimVerifier.Verify(s_encoded.AsSpan(0, size)).IsValid);
        Assert.False(ClaimVerifier.Verify([.. s_encoded, 0]).IsValid);
        Assert.Contains("larger than", ClaimVerifier.Verify(new byte[Claim.MaxSize + 1]).Fault, StringComparison.Ordinal);
        Gen.Byte.Array[0, 500].Sample(bytes => Assert.False(ClaimVerifier.Verify(bytes).IsValid), iter: 2000);
    }

    // What its own provider signs anew gets as far as the proof that was tampered with.
    [Fact]
    public void Verify_AnyByteOfAProofFlippedAndSignedAgain_NamesTheStatement()
    {
        Claim claim = Claim.Decode(s_encoded, out _)!;
        for (int which = 0; which < 3; which++)
        {
            for (int at = 0; at < claim.Proofs[which].Length; at += which == 0 ? 1 : 7)
            {
                byte[][] proofs = [.. claim.Proofs.Select(proof => (byte[])proof.Clone())];
                proofs[which][at] ^= 1;
                string? fault = ClaimVerifier.Verify(Claim.Sign(claim.Body, claim.Body.Encode(), proofs, s_script.Provider).Encode()).Fault;
                Assert.Equal($"the proof that {claim.Statements[which]} does not hold", fault);
            }
        }
    }

    [Fact]
    public void Verify_ProofsOfAnotherClaim_DoNotHold()
    {
        // Another claim over the very same receipts: an attestation more makes another id.
        Claim one = Claim.Decode(s_encoded, out _)!, other = Create(s_script, s_script.Statements, [s_script.Attest(7)]);
        Assert.True(ClaimVerifier.Verify(other.Encode()).IsValid);
        for (int which = 0; which < 3; which++)
        {
            byte[][] proofs = [.. one.Proofs];
            proofs[which] = other.Proofs[which];
            Assert.Equal($"the proof that {one.Statements[which]} does not hold", Resigned(one.Body, proofs));
        }
    }

    [Fact]
    public void Verify_StatementChanged_DoesNotHold()
    {
        Claim claim = Claim.Decode(s_encoded, out _)!;
        foreach (ClaimStatement[] statements in new ClaimStatement[][]
        {
            [ClaimStatement.ExactTotal(s_script.Total + 1), .. s_script.Statements[1..]],
            [s_script.Statements[0], ClaimStatement.AtLeast(s_script.Total + 1), s_script.Statements[2]],
        })
            Assert.Contains("does not hold", Resigned(claim.Body with { Statements = statements }, claim.Proofs), StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_LegTwice_NamesIt()
    {
        Claim claim = Claim.Decode(s_encoded, out _)!;
        Assert.Equal("receipt 1 is of the same leg as the one before it", Resigned(claim.Body with { Receipts = [claim.Receipts[0], claim.Receipts[0], claim.Receipts[2]] }, claim.Proofs));
        Assert.Equal("receipt 1 is not in the order of sessions and legs", Resigned(claim.Body with { Receipts = [claim.Receipts[1], claim.Receipts[0], claim.Receipts[2]] }, claim.Proofs));
    }

    [Fact]
    public void Verify_WrongInclusion_NamesTheReceipt()
    {
        Claim claim = Claim.Decode(s_encoded, out _)!;
        ClaimedReceipt first = claim.Receipts[0];
        string expected = $"receipt 0 is not in block {first.Block} where it says it is";
        foreach (ClaimedReceipt wrong in new[] { first with { Leaf = first.Leaf + 1 }, first with { Path = [.. first.Path, first.Receipt.Hash] }, first with { Path = [first.Receipt.Hash] } })
            Assert.Equal(expected, Resigned(claim.Body with { Receipts = [wrong, .. claim.Receipts.Skip(1)] }, claim.Proofs));
        Assert.Contains("where it says it is", Resigned(claim.Body with { Receipts = [first with { Block = 1 - first.Block }, .. claim.Receipts.Skip(1)] }, claim.Proofs), StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_ChainBrokenForkedOrOfAnother_NamesTheBlock()
    {
        Claim claim = Claim.Decode(s_encoded, out _)!;
        LedgerBlock first = claim.Blocks[0], second = claim.Blocks[1];
        LedgerBlock fork = LedgerBlock.Seal(first.Body with { Time = first.Body.Time - 1 }, s_script.Provider);
        LedgerBlock foreign = LedgerBlock.Seal(first.Body with { Author = new SeedSigner(9).PublicKey }, new SeedSigner(9));
        Assert.Equal("block 1 of the run (sequence 1): the hash it names is not that of the block before it", Resigned(claim.Body with { Blocks = [fork, second] }, claim.Proofs));
        Assert.Equal("block 1 of the run (sequence 0): sequence 2 is due", Resigned(claim.Body with { Blocks = [second, first] }, claim.Proofs));
        Assert.Equal("block 1 of the run (sequence 0): sequence 1 is due", Resigned(claim.Body with { Blocks = [first, fork] }, claim.Proofs));
        Assert.Equal("block 0 is not by the claim's provider", Resigned(claim.Body with { Blocks = [foreign, second] }, claim.Proofs));
    }

    [Fact]
    public void Verify_ForeignEpochProviderOrAttestation_NamesIt()
    {
        Claim claim = Claim.Decode(s_encoded, out _)!;
        Assert.Equal("receipt 0 is of epoch 500000, the claim of 500001", Resigned(claim.Body with { Epoch = claim.Epoch + 1 }, claim.Proofs));
        Assert.Equal("attestation 0 is of epoch 1, the claim of 500000", Resigned(claim.Body with { Attestations = [s_script.Attest(7, 1)] }, claim.Proofs));
        Assert.Equal("attestation 0 is the provider's own", Resigned(claim.Body with { Attestations = [s_script.Attest(1)] }, claim.Proofs));
        var thief = new SeedSigner(9);
        ClaimBody stolen = claim.Body with { Provider = thief.PublicKey };
        Assert.Equal("block 0 is not by the claim's provider", ClaimVerifier.Verify(Claim.Sign(stolen, stolen.Encode(), claim.Proofs, thief).Encode()).Fault);
        Assert.Equal("its provider has not signed it", ClaimVerifier.Verify(Claim.Sign(claim.Body, claim.Body.Encode(), claim.Proofs, thief).Encode()).Fault);
    }

    [Fact]
    public void Verify_EarlierClaims_OneForAnEpochAndALegOnce()
    {
        ReadOnlyMemory<byte> sameEpoch = new ClaimScript(2, firstSession: 50).Claim(ClaimStatement.AmountsInRange).Encode();
        ReadOnlyMemory<byte> otherEpoch = new ClaimScript(2, firstSession: 50, epoch: 500_001).Claim(ClaimStatement.AmountsInRange).Encode();
        ReadOnlyMemory<byte> sameLegs = new ClaimScript(3, epoch: 500_001).Claim(ClaimStatement.AmountsInRange).Encode();
        ReadOnlyMemory<byte> others = new ClaimScript(3, provider: 5).Claim(ClaimStatement.AmountsInRange).Encode();
        Assert.True(ClaimVerifier.Verify(s_encoded, [otherEpoch, others]).IsValid);
        Assert.Equal("earlier claim 1 is for the same provider and epoch", ClaimVerifier.Verify(s_encoded, [sameEpoch]).Fault);
        Assert.Equal("earlier claim 1 is for the same provider and epoch", ClaimVerifier.Verify(s_encoded, [s_encoded]).Fault);
        Assert.Equal("the leg of receipt 0 stands in earlier claim 2 too", ClaimVerifier.Verify(s_encoded, [otherEpoch, sameLegs]).Fault);
        Assert.Equal("earlier claim 1 cannot be read: it is not in the form of a claim", ClaimVerifier.Verify(s_encoded, [default]).Fault);
        Assert.NotNull(ClaimRules.ObjectToEpoch([1, 2], 2));
        Assert.Null(ClaimRules.ObjectToEpoch([1, 2], 3));
    }

    [Fact]
    public void Verify_MadeByOneBackend_HoldsInEveryOther()
    {
        foreach (CurveBackend maker in CurveBackend.All)
        {
            byte[] encoded = Create(s_script, s_script.Statements, [], Generators(maker)).Encode();
            Assert.Equal(s_encoded, encoded);
            foreach (CurveBackend judge in CurveBackend.All)
            {
                Assert.True(ClaimVerifier.Verify(Generators(judge), new Ed25519Equation(judge), encoded, []).IsValid);
                byte[] changed = [.. encoded];
                changed[^200] ^= 1;
                Assert.False(ClaimVerifier.Verify(Generators(judge), new Ed25519Equation(judge), changed, []).IsValid);
            }
        }
    }

    [Fact]
    public void Verify_LargeClaim_AllocatesASmallMultipleOfIt()
    {
        var script = new ClaimScript(256);
        byte[] encoded = script.Claim(script.Statements).Encode();
        Assert.True(ClaimVerifier.Verify(encoded).IsValid);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(ClaimVerifier.Verify(encoded).IsValid);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= (16 * encoded.Length) + 1_000_000, $"{allocated} bytes for {encoded.Length}");
    }

    [Fact]
    public void Create_Untrue_IsTheCallersMistake()
    {
        Assert.Throws<ArgumentException>(() => s_script.Claim(ClaimStatement.ExactTotal(s_script.Total + 1)));
        Assert.Throws<ArgumentException>(() => s_script.Claim(ClaimStatement.AtLeast(s_script.Total + 1)));
        Assert.Throws<ArgumentException>(() => s_script.Claim());
        Assert.Throws<ArgumentException>(() => s_script.Claim(ClaimStatement.AtLeast(1), ClaimStatement.AtLeast(2)));
        Assert.Throws<ArgumentException>(() => ClaimBuilder.Create(1, s_script.Blocks, s_script.Legs, [ClaimStatement.AmountsInRange], [], s_script.Provider));
        ClaimLeg[] wrong = [s_script.Legs[0] with { Amount = 1 }, .. s_script.Legs.Skip(1)];
        Assert.Throws<ArgumentException>(() => ClaimBuilder.Create(ClaimScript.Epoch, s_script.Blocks, wrong, [ClaimStatement.AmountsInRange], [], s_script.Provider));
    }

    /// <summary>The bytes that a second implementation must come to, with the secrets to come to them by.</summary>
    [Fact]
    public void Claim_OurVectors_AreTheSameBytes()
    {
        string path = Path.Combine(Repository.Root, "tests", "Proofs.Tests", "Claims", "claims.json");
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(path));
        foreach (JsonElement vector in file.RootElement.GetProperty("claims").EnumerateArray())
        {
            byte[] encoded = Convert.FromHexString(vector.GetProperty("claim").GetString()!);
            ClaimVerdict verdict = ClaimVerifier.Verify(encoded);
            Assert.Equal(vector.GetProperty("fault").GetString(), verdict.Fault);
            Assert.Equal(vector.GetProperty("id").GetString(), verdict.Claim?.Id.ToString());
            if (!verdict.IsValid) continue;
            var script = new ClaimScript(vector.GetProperty("legs").GetArrayLength(), perBlock: 2);
            Assert.Equal(script.Total, vector.GetProperty("total").GetUInt64());
            Assert.Equal(encoded, Create(script, [.. verdict.Claim!.Statements], verdict.Claim.Attestations).Encode());
        }
    }

    private static string? Resigned(ClaimBody body, IReadOnlyList<byte[]> proofs) => ClaimVerifier.Verify(Claim.Sign(body, body.Encode(), proofs, s_script.Provider).Encode()).Fault;

    private static BulletproofGenerators Generators(CurveBackend backend) => new(backend, new PedersenGenerators(backend));

    internal static Claim Create(ClaimScript script, ClaimStatement[] statements, IReadOnlyList<Attestation>? attestations = null, BulletproofGenerators? generators = null) =>
        ClaimBuilder.Create(
            generators ?? BulletproofGenerators.Default, script.ReceiptEpoch, script.Blocks, script.Legs, statements, attestations ?? [], script.Provider, SHA256.HashData("entropy"u8));
}
