using System.Security.Cryptography;

namespace Overlay.Transport.Crypto;

/// <summary>ECDSA identity keys of foreign peers (peer-ids specification, "ECDSA"): PKIX, SHA-256, signature in DER.</summary>
internal static class Ecdsa
{
    internal static bool VerifyVarTime(ReadOnlySpan<byte> subjectPublicKeyInfo, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
            // Only the one encoding that the key has: another would give it another peer id.
            return subjectPublicKeyInfo.SequenceEqual(key.ExportSubjectPublicKeyInfo())
                && IsKnownCurve(key.ExportParameters(includePrivateParameters: false).Curve)
                && key.VerifyData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (Exception e) when (e is CryptographicException or PlatformNotSupportedException)
        {
            // The platform may know fewer curves than the key names.
            return false;
        }
    }

    // A curve that the key itself describes could be one on which anybody can sign.
    private static bool IsKnownCurve(ECCurve curve) =>
        curve.IsNamed && curve.Oid.Value is "1.2.840.10045.3.1.7" or "1.3.132.0.34" or "1.3.132.0.35";
}
