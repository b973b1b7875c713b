using Overlay.Proofs.Group;

namespace Overlay.Proofs.RangeProofs;

/// <summary>Pedersen commitments over ristretto255: C = value·B + blinding·B_blinding.</summary>
/// <remarks>
/// With a uniform blinding that is used once, C says nothing about the value; and nobody can open C to two values. Commitments add up: the sum of two
/// commits to the sum of the values with the sum of the blindings. B is the generator of RFC 9496; B_blinding is what its one-way map makes of SHA3-512
/// over B's encoding. Both are those of the crate <c>bulletproofs</c>.
/// </remarks>
public static class Pedersen
{
    /// <summary>The base of the value.</summary>
    public static RistrettoPoint B => RistrettoPoint.Generator;

    /// <summary>The base of the blinding.</summary>
    public static RistrettoPoint BBlinding { get; } = new(PedersenGenerators.Default.BBlinding);

    /// <summary>Commits to a number. Constant time.</summary>
    /// <param name="value">The number, kept secret.</param>
    /// <param name="blinding">A uniform scalar, kept secret and used for no other commitment: two with one blinding give away the difference of their values.</param>
    public static RistrettoPoint Commit(ulong value, in Scalar blinding) => Commit(new Scalar(value), blinding);

    /// <summary>Commits to a scalar. Constant time.</summary>
    /// <param name="value">The scalar, kept secret.</param>
    /// <param name="blinding">A uniform scalar, kept secret and used for no other commitment.</param>
    public static RistrettoPoint Commit(in Scalar value, in Scalar blinding) => new(PedersenGenerators.Default.Commit(value, blinding));
}
