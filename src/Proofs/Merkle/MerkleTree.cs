using System.Numerics;
using System.Security.Cryptography;

namespace Overlay.Proofs.Merkle;

/// <summary>A Merkle tree over leaf hashes: its root, and proofs that a leaf is in it or that it continues a smaller tree.</summary>
/// <remarks>
/// RFC 9162, section 2.1, with SHA-256: a leaf is hashed after a byte 0x00, a pair of nodes after a byte 0x01. A tree that is not full is split at the largest
/// power of two below its size, which is the same as pairing nodes level by level and passing on the last one of an odd level. Immutable; takes 64 bytes a leaf.
/// </remarks>
public sealed class MerkleTree
{
    /// <summary>Most hashes in a proof that any verifier here looks at: what a tree of 2⁶³ leaves has.</summary>
    public const int MaxProofCount = 64;

    // From the leaves to the root. Node i of level k covers leaves i·2^k … (i + 1)·2^k - 1, as far as there are any.
    private readonly Digest[][] _levels;

    /// <summary>Builds the tree.</summary>
    /// <param name="leafHashes">What <see cref="HashLeaf"/> made of each leaf, in order; none for the empty tree.</param>
    public MerkleTree(ReadOnlySpan<Digest> leafHashes)
    {
        var levels = new List<Digest[]> { leafHashes.ToArray() };
        while (levels[^1].Length > 1)
        {
            Digest[] below = levels[^1];
            var level = new Digest[(below.Length + 1) / 2];
            for (int i = 0; i < level.Length; i++) level[i] = (2 * i) + 1 < below.Length ? HashNode(below[2 * i], below[(2 * i) + 1]) : below[2 * i];
            levels.Add(level);
        }

        _levels = [.. levels];
        Root = leafHashes.IsEmpty ? EmptyRoot : _levels[^1][0];
    }

    /// <summary>The root of the tree without leaves: SHA-256 of nothing.</summary>
    public static Digest EmptyRoot { get; } = new(SHA256.HashData([]));

    /// <summary>How many leaves there are.</summary>
    public int Count => _levels[0].Length;

    /// <summary>The tree's root: MTH in the RFC.</summary>
    public Digest Root { get; }

    /// <summary>Hash of a leaf: SHA-256(0x00 ‖ leaf).</summary>
    public static Digest HashLeaf(ReadOnlySpan<byte> leaf)
    {
        Span<byte> bytes = stackalloc byte[Digest.Size];
        SHA256.HashData([0x00, .. leaf], bytes);
        return new Digest(bytes);
    }

    /// <summary>Proves that a leaf is in this tree.</summary>
    /// <param name="index">The leaf's place, from 0.</param>
    /// <returns>PATH of section 2.1.3.1: the siblings from the leaf up, at most ⌈log₂ <see cref="Count"/>⌉.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such leaf.</exception>
    public Digest[] ProveInclusion(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var path = new List<Digest>();
        for (int level = 0; level < _levels.Length - 1; level++)
        {
            int sibling = (index >> level) ^ 1;
            if (sibling < _levels[level].Length) path.Add(_levels[level][sibling]);
        }

        return [.. path];
    }

    /// <summary>Proves that this tree begins with the leaves of a smaller one.</summary>
    /// <param name="firstSize">Number of leaves of the smaller tree, from 1 to <see cref="Count"/>.</param>
    /// <returns>PROOF of section 2.1.4.1; empty when both are of one size.</returns>
    /// <exception cref="ArgumentOutOfRangeException">This tree has fewer leaves, or the smaller one would have none.</exception>
    public Digest[] ProveConsistency(int firstSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(firstSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstSize, Count);
        var proof = new List<Digest>();
        if (firstSize == Count) return [];

        // SUBPROOF without recursion: down to the smaller tree's last subtree, keeping what is passed by on the way.
        (int begin, int end) = (0, Count);
        bool isOldRoot = true;
        while (firstSize != end)
        {
            int middle = begin + Split(end - begin);
            if (firstSize <= middle)
            {
                proof.Add(Node(middle, end));
                end = middle;
            }
            else
            {
                proof.Add(Node(begin, middle));
                begin = middle;
                isOldRoot = false;
            }
        }

        if (!isOldRoot) proof.Add(Node(begin, end));
        proof.Reverse();
        return [.. proof];
    }

    /// <summary>Checks that a leaf is in a tree.</summary>
    /// <param name="leafHash">What <see cref="HashLeaf"/> makes of the leaf.</param>
    /// <param name="index">The leaf's place, from 0.</param>
    /// <param name="size">How many leaves the tree has.</param>
    /// <param name="proof">What a peer sent for it.</param>
    /// <param name="root">The tree's root.</param>
    /// <returns>False for whatever does not hold; nothing that a peer sends makes this throw. Source: section 2.1.3.2.</returns>
    public static bool VerifyInclusion(Digest leafHash, ulong index, ulong size, ReadOnlySpan<Digest> proof, Digest root)
    {
        if (index >= size || proof.Length > MaxProofCount) return false;
        (ulong fn, ulong sn) = (index, size - 1);
        Digest r = leafHash;
        foreach (ref readonly Digest p in proof)
        {
            if (sn == 0) return false;
            if ((fn & 1) == 1 || fn == sn)
            {
                r = HashNode(p, r);
                SkipEven(ref fn, ref sn);
            }
            else
            {
                r = HashNode(r, p);
            }

            fn >>= 1;
            sn >>= 1;
        }

        return sn == 0 && r == root;
    }

    /// <summary>Checks that a tree begins with the leaves of a smaller one.</summary>
    /// <param name="firstSize">How many leaves the smaller tree has.</param>
    /// <param name="firstRoot">Its root.</param>
    /// <param name="secondSize">How many leaves the larger tree has.</param>
    /// <param name="secondRoot">Its root.</param>
    /// <param name="proof">What a peer sent for it.</param>
    /// <returns>False for whatever does not hold; nothing that a peer sends makes this throw. Source: section 2.1.4.2.</returns>
    /// <remarks>Trees of one size are consistent when their roots are the same, without a proof. The empty tree is none that a proof could be about.</remarks>
    public static bool VerifyConsistency(ulong firstSize, Digest firstRoot, ulong secondSize, Digest secondRoot, ReadOnlySpan<Digest> proof)
    {
        if (firstSize == 0 || firstSize > secondSize || proof.Length > MaxProofCount) return false;
        if (firstSize == secondSize) return proof.IsEmpty && firstRoot == secondRoot;
        if (proof.IsEmpty) return false;

        Digest first = BitOperations.IsPow2(firstSize) ? firstRoot : proof[0];
        ReadOnlySpan<Digest> rest = BitOperations.IsPow2(firstSize) ? proof : proof[1..];
        (ulong fn, ulong sn) = (firstSize - 1, secondSize - 1);
        int odd = BitOperations.TrailingZeroCount(~fn);
        (fn, sn) = (fn >> odd, sn >> odd);
        (Digest fr, Digest sr) = (first, first);
        foreach (ref readonly Digest c in rest)
        {
            if (sn == 0) return false;
            if ((fn & 1) == 1 || fn == sn)
            {
                fr = HashNode(c, fr);
                sr = HashNode(c, sr);
                SkipEven(ref fn, ref sn);
            }
            else
            {
                sr = HashNode(sr, c);
            }

            fn >>= 1;
            sn >>= 1;
        }

        return sn == 0 && fr == firstRoot && sr == secondRoot;
    }

    // The levels at which the last node had no sibling and was passed on.
    private static void SkipEven(ref ulong fn, ref ulong sn)
    {
        if (fn == 0) return;
        int levels = BitOperations.TrailingZeroCount(fn);
        fn >>= levels;
        sn >>= levels;
    }

    private static Digest HashNode(in Digest left, in Digest right)
    {
        Span<byte> bytes = stackalloc byte[1 + (2 * Digest.Size)], hash = stackalloc byte[Digest.Size];
        bytes[0] = 0x01;
        left.Bytes.CopyTo(bytes[1..]);
        right.Bytes.CopyTo(bytes[(1 + Digest.Size)..]);
        SHA256.HashData(bytes, hash);
        return new Digest(hash);
    }

    // The largest power of two below a size over 1.
    private static int Split(int size) => 1 << BitOperations.Log2((uint)(size - 1));

    private Digest Node(int begin, int end)
    {
        int level = end - begin == 1 ? 0 : BitOperations.Log2((uint)(end - begin - 1)) + 1;
        return _levels[level][begin >> level];
    }
}
