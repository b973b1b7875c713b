using Overlay.Proofs.Group;

namespace Overlay.Proofs.Crypto;

/// <summary>Checks Ed25519 signatures by the one rule that holds here for one signature and for many.</summary>
/// <remarks>
/// Two honest verifiers must never disagree about a receipt, so the rule is stricter than RFC 8032 leaves it: a public key or R that is not the
/// canonical encoding of a point, a public key or R of small order, and an S outside [0, L) are all refused; then the equation with cofactor,
/// 8·S·B = 8·R + 8·k·A (RFC 8032, section 5.1.7, its first form), must hold. It is the form that checking many signatures at once gives too
/// (<see cref="Ed25519Batch"/>), so that one by one and all together never differ.
/// </remarks>
public static class Ed25519
{
    /// <summary>Size of a signature in bytes.</summary>
    public const int SignatureSize = Ed25519Equation.SignatureSize;

    /// <summary>Size of a public key in bytes.</summary>
    public const int PublicKeySize = Ed25519Equation.PublicKeySize;

    /// <summary>Size of a private seed in bytes.</summary>
    public const int SeedSize = 32;

    /// <summary>Checks a signature under the rule in the remarks of this class.</summary>
    /// <param name="publicKey">The signer's key.</param>
    /// <param name="message">The signed bytes.</param>
    /// <param name="signature">The signature; any length but <see cref="SignatureSize"/> is refused.</param>
    /// <returns>False for anything that does not hold. Nothing that a peer can send makes this method throw.</returns>
    public static bool VerifyVarTime(PublicKey publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        Ed25519Equation.Default.HoldsVarTime(publicKey.Bytes, message, signature);
}
