using System.Text.Json;
using Overlay.Proofs;
using Overlay.Proofs.Merkle;
using Overlay.TestKit;

namespace Overlay.Conformance.Tests.Proofs;

/// <summary>RFC 9162, section 2.1, by the vectors of its reference implementation (the trees are those of RFC 6962).</summary>
public sealed class MerkleVectorTests
{
    [Fact]
    public void Rfc9162_Section2_1_1_Roots()
    {
        using JsonDocument file = Repository.OpenVectors("merkle-rfc6962-roots.json");
        Digest[] leaves = [.. file.RootElement.GetProperty("leaves").EnumerateArray().Select(leaf => MerkleTree.HashLeaf(Convert.FromHexString(leaf.GetString()!)))];
        Digest[] roots = ReadDigests(file.RootElement.GetProperty("roots"));

        Assert.Equal(8, roots.Length);
        Assert.Equal(Digest.Parse(file.RootElement.GetProperty("empty_root").GetString()!), new MerkleTree([]).Root);
        for (int i = 0; i < roots.Length; i++) Assert.Equal(roots[i], new MerkleTree(leaves.AsSpan(0, i + 1)).Root);
    }

    [Fact]
    public void Rfc9162_Section2_1_3_2_Inclusion()
    {
        int valid = 0;
        foreach (JsonElement vector in ReadProofs("inclusion"))
        {
            bool holds = MerkleTree.VerifyInclusion(
                ReadDigest(vector, "leaf_hash"), vector.GetProperty("leaf_index").GetUInt64(), vector.GetProperty("tree_size").GetUInt64(), ReadDigests(vector.GetProperty("proof")),
                ReadDigest(vector, "root"));

            Assert.True(vector.GetProperty("valid").GetBoolean() == holds, vector.GetProperty("file").GetString());
            if (holds) valid++;
        }

        Assert.Equal(6, valid);
    }

    [Fact]
    public void Rfc9162_Section2_1_4_2_Consistency()
    {
        int valid = 0;
        foreach (JsonElement vector in ReadProofs("consistency"))
        {
            bool holds = MerkleTree.VerifyConsistency(
                vector.GetProperty("size1").GetUInt64(), ReadDigest(vector, "root1"), vector.GetProperty("size2").GetUInt64(), ReadDigest(vector, "root2"),
                ReadDigests(vector.GetProperty("proof")));

            Assert.True(vector.GetProperty("valid").GetBoolean() == holds, vector.GetProperty("file").GetString());
            if (holds) valid++;
        }

        Assert.Equal(6, valid);
    }

    private static JsonElement[] ReadProofs(string kind)
    {
        using JsonDocument file = Repository.OpenVectors("merkle-rfc6962-proofs.json");
        JsonElement[] proofs = [.. file.RootElement.GetProperty(kind).Clone().EnumerateArray()];
        Assert.Equal(98, proofs.Length);
        return proofs;
    }

    // A hash that has not 32 bytes never gets as far as here. Another stands for it: by its name too, so that a leaf without bytes is no root without bytes.
    private static Digest ReadDigest(JsonElement vector, string name)
    {
        string hex = vector.GetProperty(name).GetString()!;
        return hex.Length == 64 ? Digest.Parse(hex) : MerkleTree.HashLeaf([.. Convert.FromHexString(hex), (byte)name[0]]);
    }

    private static Digest ToDigest(JsonElement hash) => hash.GetString()!.Length == 64 ? Digest.Parse(hash.GetString()!) : default;

    private static Digest[] ReadDigests(JsonElement hashes) => hashes.ValueKind == JsonValueKind.Null ? [] : [.. hashes.EnumerateArray().Select(ToDigest)];
}
