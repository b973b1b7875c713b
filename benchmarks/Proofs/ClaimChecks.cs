using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Group;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Receipts;
using BouncyEd25519 = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace Overlay.Benchmarks.Proofs;

/// <summary>What checking a claim over 1,000 receipts of 50 consumers costs, all of it: 2,000 signatures, 1,000 inclusion proofs, the total; and with the ranges besides. By backend.</summary>
/// <remarks>Goal: 100 ms on one core.</remarks>
[MemoryDiagnoser]
public class ClaimChecks
{
    private const int Count = 1000;
    private byte[] _total = [], _ranges = [];
    private BulletproofGenerators _generators = null!;
    private Ed25519Equation _equation = null!;

    /// <summary>What this processor can run.</summary>
    public static IEnumerable<string> Backends => CurveBackend.All.Select(backend => backend.Name);

    /// <summary>Portable is the baseline.</summary>
    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = "";

    /// <summary>Makes both claims.</summary>
    [GlobalSetup]
    public void Setup()
    {
        CurveBackend backend = CurveBackend.All.Single(candidate => candidate.Name == Backend);
        _generators = new BulletproofGenerators(backend, new PedersenGenerators(backend));
        _equation = new Ed25519Equation(backend);
        var provider = new Signer(0);
        Signer[] consumers = [.. Enumerable.Range(1, 50).Select(number => new Signer(number))];
        (Receipt Receipt, Scalar Blinding)[] made = [.. Enumerable.Range(0, Count).Select(i => Make(i, provider, consumers[i % consumers.Length]))];
        var tree = new MerkleTree([.. made.Select(leg => LedgerBlock.LeafHash(leg.Receipt))]);
        LedgerBlock block = LedgerBlock.Seal(
            new LedgerBlockBody
            {
                Author = provider.PublicKey,
                Sequence = 0,
                PreviousBlockHash = default,
                Epoch = 500_001,
                ReceiptsRoot = tree.Root,
                ReceiptCount = Count,
                Heads = [],
                Time = 1_800_003_600,
            },
            provider);
        ClaimLeg[] legs = [.. made.Select((leg, i) => new ClaimLeg(new ClaimedReceipt(leg.Receipt, 0, (uint)i, tree.ProveInclusion(i)), (ulong)i, leg.Blinding))];
        ClaimStatement total = ClaimStatement.ExactTotal(Count * (Count - 1) / 2);
        _total = ClaimBuilder.Create(500_000, [block], legs, [total], [], provider).Encode();
        _ranges = ClaimBuilder.Create(500_000, [block], legs, [total, ClaimStatement.AmountsInRange], [], provider).Encode();
        if (!VerifyTotal() || !VerifyTotalAndRanges()) throw new InvalidOperationException("A claim does not hold.");
    }

    /// <summary>The exact total.</summary>
    [Benchmark]
    public bool VerifyTotal() => ClaimVerifier.Verify(_generators, _equation, _total, []).IsValid;

    /// <summary>The exact total, and every amount's range.</summary>
    [Benchmark]
    public bool VerifyTotalAndRanges() => ClaimVerifier.Verify(_generators, _equation, _ranges, []).IsValid;

    private static (Receipt Receipt, Scalar Blinding) Make(int number, Signer provider, Signer consumer)
    {
        var session = new Digest(SHA256.HashData(BitConverter.GetBytes(number)));
        var seed = new BlindingSeed(session.Bytes);
        var body = new ReceiptBody
        {
            SessionId = session,
            Leg = 0,
            Provider = provider.PublicKey,
            Consumer = consumer.PublicKey,
            Sequence = 0,
            Final = true,
            Commitment = ReceiptCommitment.Create(new ReceiptOpening(0, (ulong)number), seed, session, 0, 0),
            PricePerGiB = 50_000,
            Epoch = 500_000,
            PreviousReceiptHash = default,
            IssuedAt = 1_800_000_000,
        };
        return (Receipt.Issue(body, consumer).Countersign(provider), seed.DeriveBlinding(session, 0, 0));
    }

    private sealed class Signer : ISigner
    {
        private readonly byte[] _seed;

        internal Signer(int number)
        {
            _seed = SHA256.HashData(BitConverter.GetBytes(number));
            byte[] key = new byte[PublicKey.Size];
            BouncyEd25519.GeneratePublicKey(_seed, 0, key, 0);
            PublicKey = new PublicKey(key);
        }

        public PublicKey PublicKey { get; }

        public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
        {
            byte[] text = message.ToArray(), made = new byte[Ed25519.SignatureSize];
            BouncyEd25519.Sign(_seed, 0, text, 0, text.Length, made, 0);
            made.CopyTo(signature);
        }
    }
}
