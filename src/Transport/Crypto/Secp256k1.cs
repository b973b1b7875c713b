using System.Formats.Asn1;
using System.Security.Cryptography;
using Org.BouncyCastle.Asn1.X9;
using Org.BouncyCastle.Crypto.EC;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;

namespace Overlay.Transport.Crypto;

/// <summary>secp256k1 identity keys of foreign peers (peer-ids specification, "Secp256k1"): a compressed point, SHA-256, signature in DER.</summary>
internal static class Secp256k1
{
    /// <summary>Size of a compressed point in bytes.</summary>
    internal const int PublicKeySize = 33;

    private static readonly X9ECParameters s_curve = CustomNamedCurves.GetByName("secp256k1");
    private static readonly ECDomainParameters s_domain = new(s_curve);

    internal static bool VerifyVarTime(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeySize || publicKey[0] is not (0x02 or 0x03)) return false;
        if (!TryReadSignature(signature, out BigInteger? r, out BigInteger? s)) return false;
        try
        {
            var verifier = new ECDsaSigner();
            verifier.Init(forSigning: false, new ECPublicKeyParameters(s_curve.Curve.DecodePoint(publicKey.ToArray()), s_domain));
            return verifier.VerifySignature(SHA256.HashData(message), r, s);
        }
        catch (ArgumentException)
        {
            // No point of the curve has that x.
            return false;
        }
    }

    // SEQUENCE { r INTEGER, s INTEGER }
    private static bool TryReadSignature(
        ReadOnlySpan<byte> signature,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out BigInteger? r,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out BigInteger? s)
    {
        r = null;
        s = null;
        try
        {
            var reader = new AsnReader(signature.ToArray(), AsnEncodingRules.DER);
            AsnReader sequence = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            r = new BigInteger(sequence.ReadIntegerBytes().ToArray());
            s = new BigInteger(sequence.ReadIntegerBytes().ToArray());
            sequence.ThrowIfNotEmpty();
        }
        catch (AsnContentException)
        {
            return false;
        }

        return IsInRange(r) && IsInRange(s);
    }

    private static bool IsInRange(BigInteger value) => value.SignValue > 0 && value.CompareTo(s_domain.N) < 0;
}
