using System.Buffers.Binary;
using System.Security.Cryptography;
using Overlay.Proofs.Group;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.RangeProofs;

/// <summary>One range proof in the making. Letters are the paper's (eprint 2017/1066, section 4.2). Owns copies of all secrets and clears them when disposed of. One thread, one proof.</summary>
internal sealed class RangeProver : IDisposable
{
    private readonly BulletproofGenerators _generators;
    private readonly BulletproofGenerators.Set _set;
    private readonly int _n, _m;

    // Secrets, in arrays that the collector does not move, so that no copies of them stay behind.
    private readonly ulong[] _values;
    private readonly Scalar[] _blindings, _sL, _sR, _l0, _r0, _r1;

    internal RangeProver(BulletproofGenerators generators, ReadOnlySpan<ulong> values, ReadOnlySpan<Scalar> blindings, int bits)
    {
        _generators = generators;
        _n = bits;
        _m = values.Length;
        _set = generators.Get(_m);
        _values = GC.AllocateUninitializedArray<ulong>(_m, pinned: true);
        values.CopyTo(_values);
        _blindings = Pinned(_m);
        blindings.CopyTo(_blindings);
        _sL = Pinned(Total);
        _sR = Pinned(Total);
        _l0 = Pinned(Total);
        _r0 = Pinned(Total);
        _r1 = Pinned(Total);
    }

    private int Total => _n * _m;

    private CurveBackend Backend => _generators.Backend;

    internal byte[] Prove(Transcript transcript, ReadOnlySpan<byte> entropy, out CompressedPoint[] commitments)
    {
        using TranscriptRandom random = CreateRandom(transcript, entropy);
        RangeProofTranscript.BeginRangeProof(transcript, _n, _m);
        commitments = new CompressedPoint[_m];
        for (int j = 0; j < _m; j++)
        {
            commitments[j] = Compress(_generators.Pedersen.Commit(new Scalar(_values[j]), _blindings[j]));
            transcript.AppendPoint("V"u8, commitments[j]);
        }

        var proof = new ProofWriter(RangeProof.Size(_n, _m));
        Span<Scalar> secrets = stackalloc Scalar[8];
        Scalar[] l = Pinned(Total), r = Pinned(Total);
        try
        {
            ref Scalar aBlinding = ref secrets[0], sBlinding = ref secrets[1], tau1 = ref secrets[2], tau2 = ref secrets[3];
            aBlinding = random.NextScalar();
            proof.Append(transcript, "A"u8, Compress(CommitToBits(aBlinding)));
            sBlinding = random.NextScalar();
            proof.Append(transcript, "S"u8, Compress(CommitToMasks(random, sBlinding)));

            Scalar y = transcript.ChallengeScalar("y"u8), z = transcript.ChallengeScalar("z"u8);
            ComputePolynomials(y, z);
            ref Scalar t0 = ref secrets[4], t1 = ref secrets[5], t2 = ref secrets[6];
            t0 = InnerProduct(_l0, _r0);
            t1 = InnerProduct(_l0, _r1) + InnerProduct(_sL, _r0);
            t2 = InnerProduct(_sL, _r1);
            tau1 = random.NextScalar();
            tau2 = random.NextScalar();
            proof.Append(transcript, "T_1"u8, Compress(_generators.Pedersen.Commit(t1, tau1)));
            proof.Append(transcript, "T_2"u8, Compress(_generators.Pedersen.Commit(t2, tau2)));

            Scalar x = transcript.ChallengeScalar("x"u8);
            ref Scalar blinding = ref secrets[7];
            blinding = BlindingOfValues(z);
            proof.Append(transcript, "t_x"u8, t0 + (x * (t1 + (x * t2))));
            proof.Append(transcript, "t_x_blinding"u8, blinding + (x * (tau1 + (x * tau2))));
            proof.Append(transcript, "e_blinding"u8, aBlinding + (x * sBlinding));
            for (int i = 0; i < Total; i++)
            {
                l[i] = _l0[i] + (x * _sL[i]);
                r[i] = _r0[i] + (x * _r1[i]);
            }

            Scalar w = transcript.ChallengeScalar("w"u8);
            new InnerProductProver(_generators, _set, _n, _m, w, y.Invert()).Prove(l, r, transcript, proof);
            return proof.ToArray();
        }
        finally
        {
            Scalar.Clear(secrets);
            Scalar.Clear(l);
            Scalar.Clear(r);
        }
    }

    /// <summary>Overwrites all secrets.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_values.AsSpan()));
        foreach (Scalar[] secret in (ReadOnlySpan<Scalar[]>)[_blindings, _sL, _sR, _l0, _r0, _r1]) Scalar.Clear(secret);
    }

    private TranscriptRandom CreateRandom(Transcript transcript, ReadOnlySpan<byte> entropy)
    {
        byte[] witness = GC.AllocateUninitializedArray<byte>(_m * (sizeof(ulong) + Scalar.Size), pinned: true);
        try
        {
            for (int j = 0; j < _m; j++)
            {
                Span<byte> own = witness.AsSpan(j * (sizeof(ulong) + Scalar.Size));
                BinaryPrimitives.WriteUInt64LittleEndian(own, _values[j]);
                _blindings[j].Encode(own.Slice(sizeof(ulong), Scalar.Size));
            }

            return transcript.CreateRandom("values and blindings"u8, witness, entropy);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(witness);
        }
    }

    // A = α·B_blinding + Σ a_L·G + a_R·H. Bits are 0 or 1 and a_R = a_L - 1, so each place adds either G or -H.
    private EdwardsPoint CommitToBits(in Scalar blinding)
    {
        EdwardsPoint sum = _generators.Pedersen.Commit(Scalar.Zero, blinding);
        for (int j = 0; j < _m; j++)
        {
            for (int k = 0; k < _n; k++)
            {
                ulong isOne = 0UL - ((_values[j] >> k) & 1);
                EdwardsPoint minusH = EdwardsPoint.Negate(_set.Points[BulletproofGenerators.PlaceOfH(j, k)]);
                sum = Backend.Add(sum, EdwardsPoint.Select(isOne, _set.Points[BulletproofGenerators.PlaceOfG(j, k)], minusH));
            }
        }

        return sum;
    }

    // S = ρ·B_blinding + Σ s_L·G + s_R·H, in pieces of one value's bases so that the tables stay small.
    private EdwardsPoint CommitToMasks(TranscriptRandom random, in Scalar blinding)
    {
        EdwardsPoint sum = _generators.Pedersen.Commit(Scalar.Zero, blinding);
        for (int i = 0; i < Total; i++)
        {
            _sL[i] = random.NextScalar();
            _sR[i] = random.NextScalar();
        }

        for (int j = 0; j < _m; j++)
        {
            sum = Backend.Add(sum, Backend.MultiscalarMul(_sL.AsSpan(j * _n, _n), _set.Points.AsSpan(BulletproofGenerators.PlaceOfG(j, 0), _n)));
            sum = Backend.Add(sum, Backend.MultiscalarMul(_sR.AsSpan(j * _n, _n), _set.Points.AsSpan(BulletproofGenerators.PlaceOfH(j, 0), _n)));
        }

        return sum;
    }

    // l(x) = (a_L - z) + s_L·x; r(x) = yⁱ·(a_R + z + s_R·x) + z^(2+j)·2ᵏ.
    private void ComputePolynomials(in Scalar y, in Scalar z)
    {
        Scalar yPower = Scalar.One, zPower = z * z;
        for (int j = 0; j < _m; j++)
        {
            Scalar zAndTwo = zPower;
            for (int k = 0; k < _n; k++)
            {
                int i = (j * _n) + k;
                Scalar aL = new((_values[j] >> k) & 1);
                _l0[i] = aL - z;
                _r0[i] = (yPower * (aL - Scalar.One + z)) + zAndTwo;
                _r1[i] = yPower * _sR[i];
                yPower *= y;
                zAndTwo += zAndTwo;
            }

            zPower *= z;
        }
    }

    // Σ z^(2+j)·γⱼ.
    private Scalar BlindingOfValues(in Scalar z)
    {
        Scalar sum = Scalar.Zero, power = z * z;
        foreach (ref readonly Scalar blinding in _blindings.AsSpan())
        {
            sum += power * blinding;
            power *= z;
        }

        return sum;
    }

    private CompressedPoint Compress(in EdwardsPoint point) => _generators.Pedersen.Compress(point);

    private static Scalar InnerProduct(ReadOnlySpan<Scalar> a, ReadOnlySpan<Scalar> b)
    {
        Scalar sum = Scalar.Zero;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    private static Scalar[] Pinned(int length) => GC.AllocateArray<Scalar>(length, pinned: true);
}
