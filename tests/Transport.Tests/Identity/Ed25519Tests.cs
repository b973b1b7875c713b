using CsCheck;
using Overlay.Transport.Crypto;
using BouncyEd25519 = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace Overlay.Transport.Tests.Identity;

/// <summary>What signatures hold, beside an implementation that shares nothing with the one here. Odd keys and edges of the rule are the conformance tests' matter.</summary>
public sealed class Ed25519Tests
{
    // Flips a bit of key, message or signature, or none: BouncyCastle and this say the same, and only of the untouched that it holds.
    [Fact]
    public void Verify_AnySignatureWithAnyBitFlipped_IsWhatBouncyCastleSays() =>
        Gen.Select(Gen.Byte.Array[32], Gen.Byte.Array[1, 200], Gen.Int[0, 3], Gen.Int[0, 511]).Sample((seed, message, part, bit) =>
        {
            byte[] key = Ed25519.DerivePublicKey(seed), signature = new byte[64];
            Ed25519.Sign(seed, key, message, signature);
            byte[]? changed = part switch { 1 => key, 2 => message, 3 => signature, _ => null };
            if (changed is not null) changed[bit / 8 % changed.Length] ^= (byte)(1 << (bit % 8));

            bool holds = Ed25519.VerifyVarTime(key, message, signature);

            Assert.Equal(changed is null, holds);
            Assert.Equal(BouncyEd25519.Verify(signature, 0, key, 0, message, 0, message.Length), holds);
        }, iter: 2000);
}
