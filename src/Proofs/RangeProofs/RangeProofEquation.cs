using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Overlay.Proofs.Group;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.RangeProofs;

/// <summary>The one sum that is the identity when all proofs in it hold. Letters are the paper's (eprint 2017/1066, section 4.2, and 6.2 for the single check).</summary>
/// <remarks>
/// A proof claims two things: that t(x) is committed to as T₁ and T₂ say, and that the inner product argument holds. Each is "a sum of multiples of points is
/// the identity". The first enters with a random factor c, each proof with a random weight, so that sums which are not the identity cannot cancel but
/// with a chance of 2⁻¹²⁸. Not safe on several threads.
/// </remarks>
internal sealed class RangeProofEquation(BulletproofGenerators generators)
{
    private readonly List<Scalar> _scalars = [];
    private readonly List<EdwardsPoint> _points = [];
    private Scalar[] _tableScalars = new Scalar[BulletproofGenerators.FirstPlace];
    private int _valueCount;

    /// <summary>Adds a proof.</summary>
    /// <returns>False for a proof that is malformed; the sum is then spoilt.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The caller's number of bits or commitments is none that proofs can have.</exception>
    internal bool TryAdd(in Scalar weight, ReadOnlySpan<byte> proof, ReadOnlySpan<CompressedPoint> commitments, int bits, Transcript transcript)
    {
        ArgumentNullException.ThrowIfNull(transcript);
        int n = bits, m = commitments.Length;
        if (proof.Length != RangeProof.Size(n, m)) return false;
        int rounds = BitOperations.Log2((uint)(n * m));
        var parts = new Parts(proof);
        if (!parts.TryReadScalars(out Scalar tx, out Scalar txBlinding, out Scalar eBlinding, out Scalar a, out Scalar b)) return false;

        RangeProofTranscript.BeginRangeProof(transcript, n, m);
        foreach (ref readonly CompressedPoint V in commitments) transcript.AppendPoint("V"u8, V);
        bool valid = RangeProofTranscript.TryAppendPoint(transcript, "A"u8, parts[0]) & RangeProofTranscript.TryAppendPoint(transcript, "S"u8, parts[1]);
        Scalar y = transcript.ChallengeScalar("y"u8), z = transcript.ChallengeScalar("z"u8);
        valid &= RangeProofTranscript.TryAppendPoint(transcript, "T_1"u8, parts[2]) & RangeProofTranscript.TryAppendPoint(transcript, "T_2"u8, parts[3]);
        Scalar x = transcript.ChallengeScalar("x"u8);
        transcript.AppendScalar("t_x"u8, tx);
        transcript.AppendScalar("t_x_blinding"u8, txBlinding);
        transcript.AppendScalar("e_blinding"u8, eBlinding);
        Scalar w = transcript.ChallengeScalar("w"u8);

        RangeProofTranscript.BeginInnerProduct(transcript, n * m);
        // The challenges of all rounds, then y: inverted together.
        Span<Scalar> u = stackalloc Scalar[rounds], inverses = stackalloc Scalar[rounds + 1];
        for (int i = 0; i < rounds; i++)
        {
            valid &= RangeProofTranscript.TryAppendPoint(transcript, "L"u8, parts.L(i)) & RangeProofTranscript.TryAppendPoint(transcript, "R"u8, parts.R(i));
            u[i] = transcript.ChallengeScalar("u"u8);
            valid &= !u[i].IsZero();
        }

        if (!valid || y.IsZero()) return false;
        u.CopyTo(inverses);
        inverses[rounds] = y;
        Scalar.InvertAll(inverses);

        // A + x·S + c·(x·T₁ + x²·T₂) + Σ (u²·L + u⁻²·R) + Σ c·z^(2+j)·V, each with the weight.
        Scalar c = RandomWeight(), cw = c * weight, zz = z * z;
        if (!TryAddTerm(weight, parts[0]) || !TryAddTerm(weight * x, parts[1]) || !TryAddTerm(cw * x, parts[2]) || !TryAddTerm(cw * x * x, parts[3])) return false;
        Scalar allInverse = Scalar.One;
        for (int i = 0; i < rounds; i++)
        {
            allInverse *= inverses[i];
            Scalar uSquared = u[i] * u[i];
            if (!TryAddTerm(weight * uSquared, parts.L(i)) || !TryAddTerm(weight * inverses[i] * inverses[i], parts.R(i))) return false;
            u[i] = uSquared;
        }

        Scalar power = cw * zz;
        foreach (ref readonly CompressedPoint V in commitments)
        {
            if (!TryAddTerm(power, V)) return false;
            power *= z;
        }

        Grow(m);
        _tableScalars[BulletproofGenerators.PlaceOfBBlinding] -= (weight * eBlinding) + (cw * txBlinding);
        _tableScalars[BulletproofGenerators.PlaceOfB] += (weight * w * (tx - (a * b))) + (cw * (Delta(n, m, y, z) - tx));
        AddGenerators(n, m, weight, a * weight, b * weight, z, inverses[rounds], allInverse, u);
        return true;
    }

    /// <summary>Whether all proofs hold.</summary>
    internal bool HoldsVarTime() => generators.Backend.MultiscalarMulVarTime(
        _tableScalars, generators.Get(Math.Max(1, _valueCount)).Table, CollectionsMarshal.AsSpan(_scalars), CollectionsMarshal.AsSpan(_points)).IsRistrettoIdentity();

    /// <summary>128 random bits.</summary>
    internal static Scalar RandomWeight()
    {
        Span<byte> bytes = stackalloc byte[Scalar.Size];
        bytes[16..].Clear();
        RandomNumberGenerator.Fill(bytes[..16]);
        Scalar.TryDecode(bytes, out Scalar weight);
        return weight;
    }

    // Σ (-z - a·sᵢ)·Gᵢ + Σ (z + y⁻ⁱ·(z^(2+j)·2ᵏ - b/sᵢ))·Hᵢ, all with the weight, which `a` and `b` have already. Inverses of s are s backwards.
    private void AddGenerators(
        int n, int m, in Scalar weight, in Scalar a, in Scalar b, in Scalar z, in Scalar yInverse, in Scalar allInverse, ReadOnlySpan<Scalar> uSquared)
    {
        var s = new Scalar[n * m];
        s[0] = allInverse;
        for (int i = 1; i < s.Length; i++)
        {
            int log = BitOperations.Log2((uint)i);
            s[i] = s[i - (1 << log)] * uSquared[uSquared.Length - 1 - log];
        }

        Scalar wz = weight * z, zPower = wz * z, yPower = Scalar.One;
        for (int j = 0; j < m; j++)
        {
            Scalar zAndTwo = zPower;
            for (int k = 0; k < n; k++)
            {
                int i = (j * n) + k;
                _tableScalars[BulletproofGenerators.PlaceOfG(j, k)] -= wz + (a * s[i]);
                _tableScalars[BulletproofGenerators.PlaceOfH(j, k)] += wz + (yPower * (zAndTwo - (b * s[s.Length - 1 - i])));
                yPower *= yInverse;
                zAndTwo += zAndTwo;
            }

            zPower *= z;
        }
    }

    private bool TryAddTerm(in Scalar scalar, in CompressedPoint compressed)
    {
        if (generators.Backend.DecodeRistretto(compressed.Bytes, out EdwardsPoint point) == 0) return false;
        _scalars.Add(scalar);
        _points.Add(point);
        return true;
    }

    private void Grow(int valueCount)
    {
        if (valueCount <= _valueCount) return;
        _valueCount = valueCount;
        Array.Resize(ref _tableScalars, BulletproofGenerators.FirstPlace + (BulletproofGenerators.PlacesPerValue * valueCount));
    }

    // δ(y, z) = (z - z²)·Σ yⁱ - z³·(2ⁿ - 1)·Σ zʲ.
    private static Scalar Delta(int n, int m, in Scalar y, in Scalar z)
    {
        Scalar zz = z * z, twos = new(n == 64 ? ulong.MaxValue : (1UL << n) - 1);
        return ((z - zz) * SumOfPowers(y, n * m)) - (zz * z * twos * SumOfPowers(z, m));
    }

    // 1 + x + … + x^(count - 1) = (1 + x)·(1 + x²)·(1 + x⁴)·… for a power of two.
    private static Scalar SumOfPowers(in Scalar x, int count)
    {
        Scalar sum = Scalar.One, power = x;
        for (; count > 1; count /= 2)
        {
            sum *= Scalar.One + power;
            power *= power;
        }

        return sum;
    }

    // A, S, T₁, T₂, then t_x, t_x_blinding, e_blinding, then L and R of every round, then a and b, 32 bytes each.
    private readonly ref struct Parts(ReadOnlySpan<byte> proof)
    {
        private const int FirstScalar = 4, FirstRound = 7;

        private readonly ReadOnlySpan<byte> _proof = proof;

        internal CompressedPoint this[int index] => new(Part(index));

        internal CompressedPoint L(int round) => this[FirstRound + (2 * round)];

        internal CompressedPoint R(int round) => this[FirstRound + (2 * round) + 1];

        internal bool TryReadScalars(out Scalar tx, out Scalar txBlinding, out Scalar eBlinding, out Scalar a, out Scalar b)
        {
            int last = (_proof.Length / 32) - 1;
            return Scalar.TryDecode(Part(FirstScalar), out tx) & Scalar.TryDecode(Part(FirstScalar + 1), out txBlinding)
                & Scalar.TryDecode(Part(FirstScalar + 2), out eBlinding) & Scalar.TryDecode(Part(last - 1), out a) & Scalar.TryDecode(Part(last), out b);
        }

        private ReadOnlySpan<byte> Part(int index) => _proof.Slice(32 * index, 32);
    }
}
