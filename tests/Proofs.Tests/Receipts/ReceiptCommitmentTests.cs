using System.Text.Json;
using CsCheck;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Group;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Receipts;
using Overlay.TestKit;
using Overlay.TestKit.Proofs;
using BouncyX25519 = Org.BouncyCastle.Math.EC.Rfc7748.X25519;

namespace Overlay.Proofs.Tests.Receipts;

public sealed class ReceiptCommitmentTests
{
    private static readonly SessionScript s_script = new(1, Proofs.Ledger.LedgerRole.Provider);

    public static TheoryData<string> Backends { get; } = [.. CurveBackend.All.Select(backend => backend.Name)];

    /// <summary>The file was made by another implementation, in another language, of the words in docs/protocols/receipt.md.</summary>
    [Theory]
    [MemberData(nameof(Backends))]
    public void Vectors_EveryStep_IsTheSame(string backendName)
    {
        var generators = new PedersenGenerators(CurveBackend.All.Single(backend => backend.Name == backendName));
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "Proofs.Tests", "Receipts", "receipt-commitments.json")));
        int count = 0;
        byte[] shared = new byte[X25519.KeySize], ephemeral = new byte[X25519.KeySize], bytes = new byte[32];
        foreach (JsonElement session in file.RootElement.GetProperty("sessions").EnumerateArray())
        {
            BouncyX25519.ScalarMultBase(Hex(session, "consumerEphemeralPrivate"), ephemeral);
            Assert.Equal(Hex(session, "consumerEphemeralPublic"), ephemeral);
            Assert.True(X25519.TryAgree(Hex(session, "providerEphemeralPrivate"), ephemeral, shared));
            Assert.Equal(Hex(session, "sharedSecret"), shared);
            var id = new Digest(Hex(session, "sessionId"));
            BlindingSeed seed = BlindingSeed.Derive(shared, id);
            seed.CopyTo(bytes);
            Assert.Equal(Hex(session, "seed"), bytes);
            foreach (JsonElement receipt in session.GetProperty("receipts").EnumerateArray())
            {
                (uint leg, ulong sequence) = (receipt.GetProperty("leg").GetUInt32(), receipt.GetProperty("sequence").GetUInt64());
                var opening = new ReceiptOpening(receipt.GetProperty("up").GetUInt64(), receipt.GetProperty("down").GetUInt64());
                Scalar blinding = seed.DeriveBlinding(id, leg, sequence);
                blinding.Encode(bytes);
                Assert.Equal(Hex(receipt, "blinding"), bytes);
                Assert.Equal(Hex(receipt, "commitment"), generators.Compress(generators.Commit(new Scalar(opening.Total), blinding)).Bytes.ToArray());
                Assert.Equal(Hex(receipt, "commitment"), ReceiptCommitment.Create(opening, seed, id, leg, sequence));
                count++;
            }
        }

        Assert.Equal(18, count);
    }

    [Fact]
    public void DeriveBlinding_AnyTwoPlaces_AreBlindedDifferently() =>
        Gen.Select(Gen.UInt[0, 3], Gen.ULong[0, 3], Gen.UInt[0, 3], Gen.ULong[0, 3]).Sample((leg, sequence, otherLeg, otherSequence) =>
        {
            BlindingSeed seed = s_script.Record.Seed!;
            Digest id = s_script.Record.SessionId;
            bool same = seed.DeriveBlinding(id, leg, sequence).FixedTimeEquals(seed.DeriveBlinding(id, otherLeg, otherSequence));
            Assert.Equal(leg == otherLeg && sequence == otherSequence, same);
            Assert.False(seed.DeriveBlinding(default, leg, sequence).FixedTimeEquals(seed.DeriveBlinding(id, leg, sequence)));
        }, iter: 500);

    [Fact]
    public void Create_SameAmountsInEveryReceipt_GivesCommitmentsThatNeverRepeat()
    {
        var made = new HashSet<string>();
        for (uint leg = 0; leg < 20; leg++)
            for (ulong sequence = 0; sequence < 20; sequence++)
                Assert.True(made.Add(Convert.ToHexString(ReceiptCommitment.Create(new(1, 1000), s_script.Record.Seed, s_script.Record.SessionId, leg, sequence))));
    }

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(1000, 1, true)]
    [InlineData(1, 1001, false)]
    [InlineData(ulong.MaxValue, 1002, false)]
    [InlineData(1002, ulong.MaxValue, false)]
    [InlineData(long.MaxValue, long.MaxValue, false)]
    public void Opens_OpeningOfTheSameTotalOnly_True(ulong up, ulong down, bool expected)
    {
        foreach (BlindingSeed? seed in (BlindingSeed?[])[null, s_script.Record.Seed])
        {
            ReceiptBody body = s_script.DueBody();
            body = body with { Commitment = ReceiptCommitment.Create(up == 0 ? default : new(1, 1000), seed, body.SessionId, body.Leg, body.Sequence) };
            var opening = new ReceiptOpening(up, down);
            Assert.Equal(expected, ReceiptCommitment.Opens(body, opening, seed));
            Assert.False(ReceiptCommitment.Opens(body, opening, seed is null ? s_script.Record.Seed : null));
            if (seed is null) continue;
            Assert.False(ReceiptCommitment.Opens(body, opening, new BlindingSeed(new byte[BlindingSeed.Size])));
            Assert.False(ReceiptCommitment.Opens(body with { Leg = 1 }, opening, seed));
            Assert.False(ReceiptCommitment.Opens(body with { Sequence = 1 }, opening, seed));
            Assert.False(ReceiptCommitment.Opens(body with { SessionId = default }, opening, seed));
        }
    }

    [Fact]
    public void Create_TotalTooLarge_Throws()
    {
        Assert.Throws<OverflowException>(() => ReceiptCommitment.Create(new(ulong.MaxValue, 1), null, default, 0, 0));
        Assert.Throws<OverflowException>(() => ReceiptCommitment.Create(new(long.MaxValue, 1), s_script.Record.Seed, default, 0, 0));
    }

    [Fact]
    public void IsWellFormed_NoPointTheIdentityOrAnotherLength_False()
    {
        using JsonDocument file = Repository.OpenVectors("ristretto255-rfc9496.json");
        foreach (JsonElement vector in file.RootElement.GetProperty("invalid_encodings").EnumerateArray())
            AssertRefused(Hex(vector, "encoding"));
        AssertRefused(new byte[ReceiptCommitment.Size]);
        for (int size = 0; size < 40; size++)
            if (size is not (ReceiptCommitment.Size or ReceiptCommitment.PlainSize)) AssertRefused(Enumerable.Repeat((byte)1, size).ToArray());
        AssertRefused([0x80, 0, 0, 0, 0, 0, 0, 0]);
        Assert.True(ReceiptCommitment.IsWellFormed(s_script.DueBody().Commitment.Span));
    }

    [Fact]
    public void BlindingSeed_InWords_SaysNothing()
    {
        Assert.DoesNotContain(Convert.ToHexStringLower(s_script.Record.Seed!.Bytes), s_script.Record.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(s_script.Record.Seed.GetHashCode(), new BlindingSeed(new byte[BlindingSeed.Size]).GetHashCode());
        Assert.NotEqual(s_script.Record.Seed, new BlindingSeed(new byte[BlindingSeed.Size]));
        Assert.Equal(s_script.Record.Seed, new BlindingSeed(s_script.Record.Seed.Bytes));
        Assert.Throws<ArgumentException>(() => new BlindingSeed(new byte[BlindingSeed.Size - 1]));
        Assert.Throws<ArgumentException>(() => s_script.Record.Seed.CopyTo(new byte[BlindingSeed.Size + 1]));
    }

    private static void AssertRefused(byte[] commitment)
    {
        Assert.False(ReceiptCommitment.IsWellFormed(commitment), Convert.ToHexString(commitment));
        ReceiptBody body = s_script.DueBody() with { Commitment = commitment };
        Assert.False(ReceiptBody.TryDecode(body.Encode(), out _));
        Assert.Throws<ArgumentException>(() => Receipt.Issue(body, s_script.Consumer));
    }

    private static byte[] Hex(JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);
}
