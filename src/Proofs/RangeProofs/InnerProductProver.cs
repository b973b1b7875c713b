using Overlay.Proofs.Group;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.RangeProofs;

/// <summary>The inner product argument (eprint 2017/1066, section 3): halves two vectors until one number of each is left, with two points for each halving.</summary>
/// <remarks>
/// Where the paper folds the bases as well, this keeps for every base the factor that folding would have given it, and computes L and R over all of them:
/// the same points, by multiplications that prepared tables make cheap. Variable time, as the argument hides nothing of its vectors.
/// </remarks>
internal sealed class InnerProductProver
{
    private readonly BulletproofGenerators _generators;
    private readonly BulletproofGenerators.Set _set;
    private readonly int _n, _total;
    private readonly Scalar _w;

    // For the base at position i of all positions.
    private readonly Scalar[] _factorsG, _factorsH;

    internal InnerProductProver(BulletproofGenerators generators, BulletproofGenerators.Set set, int n, int m, in Scalar w, in Scalar yInverse)
    {
        _generators = generators;
        _set = set;
        _n = n;
        _total = n * m;
        _w = w;
        _factorsG = new Scalar[_total];
        _factorsH = new Scalar[_total];
        Scalar power = Scalar.One;
        for (int i = 0; i < _total; i++)
        {
            _factorsG[i] = Scalar.One;
            _factorsH[i] = power;
            power *= yInverse;
        }
    }

    /// <summary>Appends the argument for a and b, which it overwrites.</summary>
    internal void Prove(Span<Scalar> a, Span<Scalar> b, Transcript transcript, ProofWriter proof)
    {
        RangeProofTranscript.BeginInnerProduct(transcript, _total);
        var scalars = new Scalar[BulletproofGenerators.PlaceOfG(_total / _n, 0)];
        for (int half = _total / 2; half >= 1; half /= 2)
        {
            proof.Append(transcript, "L"u8, Cross(a[..half], b[half..], half, upperG: true, scalars));
            proof.Append(transcript, "R"u8, Cross(a[half..], b[..half], half, upperG: false, scalars));
            Scalar u = transcript.ChallengeScalar("u"u8), uInverse = u.Invert();
            for (int i = 0; i < half; i++)
            {
                a[i] = (a[i] * u) + (a[half + i] * uInverse);
                b[i] = (b[i] * uInverse) + (b[half + i] * u);
            }

            a = a[..half];
            b = b[..half];
            for (int i = 0; i < _total; i++)
            {
                bool upper = (i & half) != 0;
                _factorsG[i] *= upper ? u : uInverse;
                _factorsH[i] *= upper ? uInverse : u;
            }
        }

        proof.Append(a[0]);
        proof.Append(b[0]);
    }

    // Σ a·G + Σ b·H + ⟨a, b⟩·w·B with one half of G and the other of H. Base i has come to stand at position i modulo 2·half.
    private CompressedPoint Cross(ReadOnlySpan<Scalar> a, ReadOnlySpan<Scalar> b, int half, bool upperG, Span<Scalar> scalars)
    {
        scalars.Clear();
        Scalar product = Scalar.Zero;
        for (int i = 0; i < half; i++) product += a[i] * b[i];
        scalars[BulletproofGenerators.PlaceOfB] = product * _w;
        for (int i = 0; i < _total; i++)
        {
            int position = i & (half - 1);
            if ((i & half) != 0 == upperG) scalars[BulletproofGenerators.PlaceOfG(i / _n, i % _n)] = a[position] * _factorsG[i];
            else scalars[BulletproofGenerators.PlaceOfH(i / _n, i % _n)] = b[position] * _factorsH[i];
        }

        return _generators.Pedersen.Compress(_generators.Backend.MultiscalarMulVarTime(scalars, _set.Table, [], []));
    }
}
