using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Crypto;
using BouncyEd25519 = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace Overlay.TestKit.Proofs;

/// <summary>A signer whose key comes from a number or a seed, so that a failing test fails the same way again.</summary>
public sealed class SeedSigner : ISigner
{
    private readonly byte[] _seed;

    public SeedSigner(byte[] seed)
    {
        _seed = seed;
        byte[] key = new byte[Ed25519.PublicKeySize];
        BouncyEd25519.GeneratePublicKey(seed, 0, key, 0);
        PublicKey = new PublicKey(key);
    }

    public SeedSigner(int number) : this(SHA256.HashData(BitConverter.GetBytes(number)))
    {
    }

    public PublicKey PublicKey { get; }

    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        byte[] made = new byte[Ed25519.SignatureSize];
        byte[] text = message.ToArray();
        BouncyEd25519.Sign(_seed, 0, text, 0, text.Length, made, 0);
        made.CopyTo(signature);
    }
}
