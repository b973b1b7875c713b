using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Overlay.Proofs.Group;

namespace Overlay.Proofs.Crypto;

/// <summary>Many Ed25519 signatures checked together, several times faster than one by one and with the same answers as <see cref="Ed25519.VerifyVarTime"/>.</summary>
/// <remarks>
/// All equations are added up, each times 128 random bits that nobody can know beforehand: 8·((Σ zᵢ·Sᵢ)·B - Σ zᵢ·Rᵢ - Σ zᵢ·kᵢ·Aᵢ) = 0. Signatures by one
/// key share its term. The factor 8 makes the sum indifferent to points of small order inside keys and R, just as it does each equation. A false
/// signature among true ones passes with a chance of 2⁻¹²⁸. Source: Bernstein et al., High-speed high-security signatures, section 5; Chalkias,
/// Garillot and Nikolaenko, eprint 2020/1244. Variable time: all inputs are public. Not safe on several threads.
/// </remarks>
public sealed class Ed25519Batch
{
    // So few signatures are checked one by one when a batch that failed is taken apart.
    private const int OneByOneCount = 4;

    private readonly Ed25519Equation _equation;
    private readonly List<Term> _terms = [];

    // Of each term, its place in the order of adding; and the places of what was refused at once.
    private readonly List<int> _places = [];
    private readonly List<int> _refused = [];

    /// <summary>An empty batch.</summary>
    public Ed25519Batch() : this(Ed25519Equation.Default)
    {
    }

    internal Ed25519Batch(Ed25519Equation equation) => _equation = equation;

    /// <summary>How many signatures were added.</summary>
    public int Count => _terms.Count + _refused.Count;

    /// <summary>Adds a signature. The message is hashed at once and not kept; a signature takes about 130 bytes.</summary>
    /// <param name="publicKey">The signer's key.</param>
    /// <param name="message">The signed bytes.</param>
    /// <param name="signature">What a peer sent, of any length.</param>
    public void Add(PublicKey publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        int place = Count;
        if (Ed25519Equation.TryParse(publicKey.Bytes, message, signature, out Scalar s, out Scalar k))
        {
            _terms.Add(new Term(publicKey, new CompressedPoint(signature[..32]), s, k));
            _places.Add(place);
        }
        else
        {
            _refused.Add(place);
        }
    }

    /// <summary>Checks all signatures.</summary>
    /// <returns>True when <see cref="Ed25519.VerifyVarTime"/> holds for every one; of an empty batch, true.</returns>
    public bool VerifyVarTime() => _refused.Count == 0 && TryDecode(out Points points, stopAtFirst: true) && HoldsVarTime(points, 0, _terms.Count);

    /// <summary>Names the signatures that do not hold.</summary>
    /// <returns>Their places in the order of adding, from 0, ascending; empty when all hold.</returns>
    /// <remarks>Costs as much as <see cref="VerifyVarTime"/> when all hold, and a few times that when many do not: failing parts are halved.</remarks>
    public IReadOnlyList<int> FindInvalidVarTime()
    {
        var invalid = new List<int>(_refused);
        TryDecode(out Points points, stopAtFirst: false);
        for (int i = 0; i < _terms.Count; i++)
            if (!points.IsDecoded[i]) invalid.Add(_places[i]);
        FindInvalid(points, 0, _terms.Count, invalid);
        invalid.Sort();
        return invalid;
    }

    private bool TryDecode(out Points points, bool stopAtFirst)
    {
        points = new Points(new EdwardsPoint[_terms.Count], new int[_terms.Count], [], new bool[_terms.Count]);
        var keys = new Dictionary<PublicKey, int>();
        bool all = true;
        for (int i = 0; i < _terms.Count && (all || !stopAtFirst); i++)
        {
            if (!keys.TryGetValue(_terms[i].Key, out int key))
            {
                key = _equation.TryDecode(_terms[i].Key.Bytes, out EdwardsPoint A) ? points.Keys.Count : -1;
                if (key >= 0) points.Keys.Add(A);
                keys.Add(_terms[i].Key, key);
            }

            points.KeyOf[i] = key;
            points.IsDecoded[i] = key >= 0 && _equation.TryDecode(_terms[i].R.Bytes, out points.R[i]);
            all &= points.IsDecoded[i];
        }

        return all;
    }

    private void FindInvalid(Points points, int begin, int count, List<int> invalid)
    {
        if (count == 0 || HoldsVarTime(points, begin, count)) return;
        if (count <= OneByOneCount)
        {
            for (int i = begin; i < begin + count; i++)
                if (points.IsDecoded[i] && (count == 1 || !HoldsVarTime(points, i, 1))) invalid.Add(_places[i]);
            return;
        }

        FindInvalid(points, begin, count / 2, invalid);
        FindInvalid(points, begin + (count / 2), count - (count / 2), invalid);
    }

    // The sum over those of the given terms whose points could be decoded.
    private bool HoldsVarTime(Points points, int begin, int count)
    {
        var scalars = new List<Scalar>(2 * count);
        var summands = new List<EdwardsPoint>(2 * count);
        var keySlots = new Dictionary<int, int>();
        byte[] weights = RandomNumberGenerator.GetBytes(16 * count);
        Span<byte> wide = stackalloc byte[Scalar.Size];
        wide.Clear();
        Scalar s = Scalar.Zero;
        for (int i = begin; i < begin + count; i++)
        {
            if (!points.IsDecoded[i]) continue;
            weights.AsSpan(16 * (i - begin), 16).CopyTo(wide);
            Scalar.TryDecode(wide, out Scalar z);
            Term term = _terms[i];
            s += z * term.S;
            // The weights stay short on R's side, which spares half of its additions; the sign goes to the other side of the equation.
            scalars.Add(z);
            summands.Add(points.R[i]);
            if (keySlots.TryGetValue(points.KeyOf[i], out int slot))
            {
                scalars[slot] += z * term.K;
            }
            else
            {
                keySlots.Add(points.KeyOf[i], scalars.Count);
                scalars.Add(z * term.K);
                summands.Add(points.Keys[points.KeyOf[i]]);
            }
        }

        return _equation.HoldsVarTime(
            -s, CollectionsMarshal.AsSpan(scalars), CollectionsMarshal.AsSpan(summands), EdwardsPoint.Identity);
    }

    /// <param name="Key">A, encoded.</param>
    /// <param name="R">The signature's first half.</param>
    /// <param name="S">Its second half.</param>
    /// <param name="K">SHA-512(R ‖ A ‖ message) modulo the order.</param>
    private readonly record struct Term(PublicKey Key, CompressedPoint R, Scalar S, Scalar K);

    private readonly record struct Points(EdwardsPoint[] R, int[] KeyOf, List<EdwardsPoint> Keys, bool[] IsDecoded);
}
