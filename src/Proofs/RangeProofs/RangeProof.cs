using System.Numerics;
using System.Security.Cryptography;
using Overlay.Proofs.Group;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.RangeProofs;

/// <summary>Proofs that commitments hide numbers in a range, and nothing more about the numbers: Bulletproofs, byte for byte those of the crate <c>bulletproofs</c>.</summary>
/// <remarks>Source: Bünz et al., Bulletproofs, eprint 2017/1066, sections 4.1 to 4.4; labels, bases and encodings are listed in docs/protocols/range-proof.md.</remarks>
public static class RangeProof
{
    /// <summary>Most commitments that one proof can be about.</summary>
    public const int MaxCount = 1024;

    /// <summary>Size of a proof in bytes: 32 · (9 + 2·log2(bits·count)), 672 for one value of 64 bits.</summary>
    /// <param name="bits">Width of the range in bits: 8, 16, 32 or 64.</param>
    /// <param name="count">Number of commitments, a power of two up to <see cref="MaxCount"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Another <paramref name="bits"/> or <paramref name="count"/>.</exception>
    public static int Size(int bits, int count)
    {
        Check(bits, count);
        return 32 * (9 + (2 * BitOperations.Log2((uint)(bits * count))));
    }

    /// <summary>Proves that every value lies in [0, 2^<paramref name="bits"/>).</summary>
    /// <param name="values">m values, m a power of two up to <see cref="MaxCount"/>.</param>
    /// <param name="blindings">The blindings of their commitments, in the same order.</param>
    /// <param name="bits">Width of the range in bits: 8, 16, 32 or 64.</param>
    /// <param name="transcript">The state that the verifier's will have before verifying. This call advances it.</param>
    /// <param name="commitments">The commitments that the proof is about, as <see cref="Pedersen.Commit(ulong, in Scalar)"/> makes them.</param>
    /// <returns>The proof, <see cref="Size"/> bytes.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Another <paramref name="bits"/> or m, or a value that is not in the range.</exception>
    /// <exception cref="ArgumentException">There are more values than blindings, or fewer.</exception>
    /// <remarks>
    /// Constant time in values and blindings, except for the inner product, whose vectors are no secret: the proof would be as safe if it listed them.
    /// All secrets are overwritten before this call returns or throws; the caller's own arrays are the caller's.
    /// </remarks>
    public static byte[] Prove(ReadOnlySpan<ulong> values, ReadOnlySpan<Scalar> blindings, int bits, Transcript transcript, out CompressedPoint[] commitments)
    {
        Span<byte> entropy = stackalloc byte[TranscriptRandom.EntropySize];
        RandomNumberGenerator.Fill(entropy);
        try
        {
            return Prove(BulletproofGenerators.Default, values, blindings, bits, transcript, entropy, out commitments);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(entropy);
        }
    }

    /// <summary>Checks that every commitment hides an integer in [0, 2^<paramref name="bits"/>).</summary>
    /// <param name="proof">Encoded proof, exactly <see cref="Size"/> bytes.</param>
    /// <param name="commitments">m compressed points in the prover's order, m a power of two up to <see cref="MaxCount"/>.</param>
    /// <param name="bits">Width of the range in bits: 8, 16, 32 or 64.</param>
    /// <param name="transcript">In the state the prover's had before proving. This call advances it.</param>
    /// <returns>False for any proof that does not hold, malformed or non-canonical bytes included. Nothing a peer can send makes this method throw.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The caller asked for another <paramref name="bits"/> or m.</exception>
    /// <remarks>
    /// Variable time: all inputs are public. One multiscalar multiplication of 2·bits·m + 2·log2(bits·m) + m + 6 points. Safe on several threads with
    /// separate transcripts. Of many proofs, <see cref="RangeProofBatch"/> is the faster judge.
    /// </remarks>
    public static bool VerifyVarTime(ReadOnlySpan<byte> proof, ReadOnlySpan<CompressedPoint> commitments, int bits, Transcript transcript) =>
        VerifyVarTime(BulletproofGenerators.Default, proof, commitments, bits, transcript);

    internal static byte[] Prove(
        BulletproofGenerators generators, ReadOnlySpan<ulong> values, ReadOnlySpan<Scalar> blindings, int bits, Transcript transcript, ReadOnlySpan<byte> entropy,
        out CompressedPoint[] commitments)
    {
        ArgumentNullException.ThrowIfNull(transcript);
        Check(bits, values.Length);
        if (blindings.Length != values.Length) throw new ArgumentException($"{values.Length} values, but {blindings.Length} blindings.", nameof(blindings));
        if (bits < 64)
        {
            foreach (ulong value in values)
                if (value >> bits != 0) throw new ArgumentOutOfRangeException(nameof(values), "A value is outside the range that is to be proved.");
        }

        using var prover = new RangeProver(generators, values, blindings, bits);
        return prover.Prove(transcript, entropy, out commitments);
    }

    internal static bool VerifyVarTime(
        BulletproofGenerators generators, ReadOnlySpan<byte> proof, ReadOnlySpan<CompressedPoint> commitments, int bits, Transcript transcript)
    {
        var equation = new RangeProofEquation(generators);
        return equation.TryAdd(Scalar.One, proof, commitments, bits, transcript) && equation.HoldsVarTime();
    }

    internal static void Check(int bits, int count)
    {
        if (bits is not (8 or 16 or 32 or 64)) throw new ArgumentOutOfRangeException(nameof(bits), bits, "A range is 8, 16, 32 or 64 bits wide.");
        if (count is < 1 or > MaxCount || !BitOperations.IsPow2(count))
            throw new ArgumentOutOfRangeException(nameof(count), count, $"A proof is about a power of two up to {MaxCount} commitments.");
    }
}
