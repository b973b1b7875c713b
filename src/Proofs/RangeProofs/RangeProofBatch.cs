using Overlay.Proofs.Group;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.RangeProofs;

/// <summary>Many range proofs checked with one multiscalar multiplication, in which they share their bases: the answer is whether all of them hold.</summary>
/// <remarks>
/// A false proof among true ones passes with a chance of 2⁻¹²⁸, by random weights that nobody can know beforehand. When the answer is no, checking one by
/// one tells which. Variable time: all inputs are public. Not safe on several threads.
/// </remarks>
public sealed class RangeProofBatch
{
    private readonly RangeProofEquation _equation;
    private bool _malformed;

    /// <summary>An empty batch.</summary>
    public RangeProofBatch() : this(BulletproofGenerators.Default)
    {
    }

    internal RangeProofBatch(BulletproofGenerators generators) => _equation = new RangeProofEquation(generators);

    /// <summary>How many proofs were added.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a proof.</summary>
    /// <param name="proof">Encoded proof.</param>
    /// <param name="commitments">m compressed points in the prover's order, m a power of two up to <see cref="RangeProof.MaxCount"/>.</param>
    /// <param name="bits">Width of the range in bits: 8, 16, 32 or 64.</param>
    /// <param name="transcript">In the state the prover's had before proving. This call advances it.</param>
    /// <returns>False for a malformed proof, with which the batch cannot hold any more. Nothing a peer can send makes this method throw.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The caller asked for another <paramref name="bits"/> or m.</exception>
    public bool Add(ReadOnlySpan<byte> proof, ReadOnlySpan<CompressedPoint> commitments, int bits, Transcript transcript)
    {
        bool added = _equation.TryAdd(RangeProofEquation.RandomWeight(), proof, commitments, bits, transcript);
        _malformed |= !added;
        Count++;
        return added;
    }

    /// <summary>Checks all proofs.</summary>
    /// <returns>True when every proof that was added holds; of an empty batch, true.</returns>
    public bool VerifyVarTime() => !_malformed && _equation.HoldsVarTime();
}
