using System.Security.Cryptography;
using CsCheck;
using Overlay.Proofs.Merkle;

namespace Overlay.Proofs.Tests.Merkle;

public sealed class MerkleTreeTests
{
    private static readonly Gen<(int Size, int Index)> s_places = Gen.Int[1, 300].SelectMany(size => Gen.Int[0, size - 1].Select(index => (size, index)));

    [Fact]
    public void Root_AnySize_IsThatOfTheRecursiveDefinition()
    {
        for (int size = 0; size < 70; size++) Assert.Equal(DefinedRoot(Leaves(size)), new MerkleTree(Leaves(size)).Root);
    }

    [Fact]
    public void ProveInclusion_AnyLeaf_HoldsForItsPlaceOnly() => s_places.Sample(
        place =>
        {
            Digest[] leaves = Leaves(place.Size);
            var tree = new MerkleTree(leaves);
            Digest[] proof = tree.ProveInclusion(place.Index);
            ulong index = (ulong)place.Index, size = (ulong)place.Size;

            Assert.True(MerkleTree.VerifyInclusion(leaves[place.Index], index, size, proof, tree.Root));
            Assert.False(MerkleTree.VerifyInclusion(leaves[place.Index], size, size, proof, tree.Root));
            Assert.False(MerkleTree.VerifyInclusion(leaves[place.Index], index ^ 1, size, proof, tree.Root) && size > 1);
            Assert.False(MerkleTree.VerifyInclusion(tree.Root, index, size, proof, leaves[place.Index]) && size > 1);
            Assert.False(MerkleTree.VerifyInclusion(leaves[place.Index], index, size, [.. proof, tree.Root], tree.Root));
            for (int i = 0; i < proof.Length; i++)
            {
                Digest[] changed = [.. proof];
                changed[i] = MerkleTree.HashLeaf(changed[i].Bytes);
                Assert.False(MerkleTree.VerifyInclusion(leaves[place.Index], index, size, changed, tree.Root));
            }

            if (proof.Length > 0) Assert.False(MerkleTree.VerifyInclusion(leaves[place.Index], index, size, proof.AsSpan(1), tree.Root));
        }, iter: 300);

    [Fact]
    public void ProveConsistency_AnyTwoSizes_HoldsForThemOnly() => s_places.Sample(
        sizes =>
        {
            (int second, int first) = (sizes.Size, sizes.Index + 1);
            Digest[] leaves = Leaves(second);
            MerkleTree small = new(leaves.AsSpan(0, first)), large = new(leaves);
            Digest[] proof = large.ProveConsistency(first);

            Assert.True(MerkleTree.VerifyConsistency((ulong)first, small.Root, (ulong)second, large.Root, proof));
            Assert.False(MerkleTree.VerifyConsistency((ulong)first, small.Root, (ulong)second, large.Root, [.. proof, small.Root]));
            Assert.False(MerkleTree.VerifyConsistency((ulong)first, MerkleTree.HashLeaf([]), (ulong)second, large.Root, proof));
            Assert.False(MerkleTree.VerifyConsistency((ulong)first, small.Root, (ulong)second, MerkleTree.HashLeaf([]), proof));
            for (int i = 0; i < proof.Length; i++)
            {
                Digest[] changed = [.. proof];
                changed[i] = MerkleTree.HashLeaf(changed[i].Bytes);
                Assert.False(MerkleTree.VerifyConsistency((ulong)first, small.Root, (ulong)second, large.Root, changed));
            }
        }, iter: 300);

    [Fact]
    public void Verify_AnyNumbersAndHashes_NeverThrows() => Gen.Select(Gen.ULong, Gen.ULong, Gen.Int[0, 70]).Sample(
        (a, b, count) =>
        {
            Digest[] proof = Leaves(count);
            Assert.False(MerkleTree.VerifyInclusion(default, a, b, proof, default));
            Assert.False(MerkleTree.VerifyConsistency(a, MerkleTree.EmptyRoot, b, default, proof));
        }, iter: 5000);

    [Fact]
    public void Prove_NoSuchPlace_IsTheCallersMistake()
    {
        var tree = new MerkleTree(Leaves(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.ProveInclusion(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.ProveInclusion(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.ProveConsistency(4));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.ProveConsistency(0));
    }

    private static Digest[] Leaves(int count) => [.. Enumerable.Range(0, count).Select(i => MerkleTree.HashLeaf(BitConverter.GetBytes(i)))];

    // MTH of section 2.1.1, word by word.
    private static Digest DefinedRoot(ReadOnlySpan<Digest> leaves)
    {
        if (leaves.IsEmpty) return new Digest(SHA256.HashData([]));
        if (leaves.Length == 1) return leaves[0];
        int k = 1;
        while (2 * k < leaves.Length) k *= 2;
        return new Digest(SHA256.HashData([0x01, .. DefinedRoot(leaves[..k]).Bytes, .. DefinedRoot(leaves[k..]).Bytes]));
    }
}
