using BenchmarkDotNet.Attributes;
using Overlay.Proofs;
using Overlay.Proofs.Group;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Receipts;
using Overlay.Sessions;
using Overlay.Transport.Identity;

namespace Overlay.Benchmarks.Proofs;

/// <summary>What a receipt costs each side without a disk: issued by the consumer, checked and countersigned by the provider. The commitment alone with each backend.</summary>
/// <remarks>Goal: all of it, on both sides together, well under 1 ms.</remarks>
[MemoryDiagnoser]
public class ReceiptCommitments
{
    private readonly IdentitySigner _consumer = new(PeerIdentity.Generate()), _provider = new(PeerIdentity.Generate());
    private readonly BlindingSeed _seed = new(Enumerable.Repeat((byte)5, BlindingSeed.Size).ToArray());
    private readonly PedersenGenerators _best = new(CurveBackend.Best), _portable = new(CurveBackend.Portable);
    private ReceiptBody _body = null!;
    private byte[] _issued = null!;
    private readonly ReceiptOpening _opening = new(1000, 8 << 20);

    /// <summary>Makes what is checked.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _body = new ReceiptBody
        {
            SessionId = new Digest(Enumerable.Repeat((byte)7, 32).ToArray()),
            Leg = 0,
            Provider = _provider.PublicKey,
            Consumer = _consumer.PublicKey,
            Sequence = 3,
            Final = false,
            Commitment = default,
            PricePerGiB = 50_000,
            Epoch = 500_000,
            PreviousReceiptHash = default,
            IssuedAt = 1_800_000_005,
        };
        _issued = Issue().Encode();
    }

    /// <summary>The commitment alone: the blinding derived, two multiplications, the encoding.</summary>
    [Benchmark]
    public CompressedPoint Commitment() => Commit(_best);

    /// <summary>The same on any platform.</summary>
    [Benchmark]
    public CompressedPoint PortableCommitment() => Commit(_portable);

    /// <summary>The consumer: commits and signs.</summary>
    [Benchmark]
    public Receipt Issue() => Receipt.Issue(
        _body with { Commitment = ReceiptCommitment.Create(_opening, _seed, _body.SessionId, _body.Leg, _body.Sequence) }, _consumer);

    /// <summary>The provider: decodes, checks the signature and the opening.</summary>
    [Benchmark]
    public bool Check() => Receipt.TryDecode(_issued, out Receipt? receipt) && ReceiptCommitment.Opens(receipt.Body, _opening, _seed);

    /// <summary>The provider: checks as above and signs.</summary>
    [Benchmark]
    public Receipt? CheckAndCountersign() =>
        Receipt.TryDecode(_issued, out Receipt? receipt) && ReceiptCommitment.Opens(receipt.Body, _opening, _seed) ? receipt.Countersign(_provider) : null;

    private CompressedPoint Commit(PedersenGenerators generators) =>
        generators.Compress(generators.Commit(new Scalar(_opening.Total), _seed.DeriveBlinding(_body.SessionId, _body.Leg, _body.Sequence)));
}
