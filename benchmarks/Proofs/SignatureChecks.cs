using BenchmarkDotNet.Attributes;
using Overlay.Proofs;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Group;
using BouncyEd25519 = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace Overlay.Benchmarks.Proofs;

/// <summary>What checking both signatures of 1,000 receipts costs: one by one with BouncyCastle and with the group here, and all in one batch. One provider, 50 consumers.</summary>
/// <remarks>Goal: the claim of 1,000 receipts, that is 2,000 signatures, in 100 ms.</remarks>
[MemoryDiagnoser]
public class SignatureChecks
{
    private const int Count = 2000;
    private readonly (byte[] Key, byte[] Message, byte[] Signature)[] _signed = new (byte[], byte[], byte[])[Count];
    private Ed25519Equation _portable = null!;

    /// <summary>Signs.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _portable = new Ed25519Equation(CurveBackend.Portable);
        for (int i = 0; i < Count; i++)
        {
            byte[] seed = new byte[Ed25519.SeedSize], key = new byte[Ed25519.PublicKeySize], message = new byte[200], signature = new byte[Ed25519.SignatureSize];
            seed[0] = (byte)(i % 2 == 0 ? 255 : i % 50);
            message[0] = (byte)i;
            message[1] = (byte)(i >> 8);
            BouncyEd25519.GeneratePublicKey(seed, 0, key, 0);
            BouncyEd25519.Sign(seed, 0, message, 0, message.Length, signature, 0);
            _signed[i] = (key, message, signature);
        }

        if (!BouncyCastleOneByOne() || !OneByOne() || !Batch() || !PortableBatch()) throw new InvalidOperationException("A signature does not hold.");
    }

    /// <summary>BouncyCastle, one by one.</summary>
    [Benchmark(Baseline = true)]
    public bool BouncyCastleOneByOne()
    {
        bool all = true;
        foreach ((byte[] key, byte[] message, byte[] signature) in _signed) all &= BouncyEd25519.Verify(signature, 0, key, 0, message, 0, message.Length);
        return all;
    }

    /// <summary>The group here, one by one.</summary>
    [Benchmark]
    public bool OneByOne()
    {
        bool all = true;
        foreach ((byte[] key, byte[] message, byte[] signature) in _signed) all &= Ed25519.VerifyVarTime(new PublicKey(key), message, signature);
        return all;
    }

    /// <summary>All in one batch.</summary>
    [Benchmark]
    public bool Batch() => Verify(new Ed25519Batch());

    /// <summary>All in one batch, on any platform.</summary>
    [Benchmark]
    public bool PortableBatch() => Verify(new Ed25519Batch(_portable));

    private bool Verify(Ed25519Batch batch)
    {
        foreach ((byte[] key, byte[] message, byte[] signature) in _signed) batch.Add(new PublicKey(key), message, signature);
        return batch.VerifyVarTime();
    }
}
