using System.Security.Cryptography;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Claims;

/// <summary>A receipt in a claim, and where it stands in the claim's blocks.</summary>
/// <param name="Receipt">The final receipt of a leg.</param>
/// <param name="Block">Place of its block in the claim, from 0.</param>
/// <param name="Leaf">Its place in the block's tree, from 0.</param>
/// <param name="Path">The inclusion proof.</param>
public sealed record ClaimedReceipt(Receipt Receipt, int Block, uint Leaf, IReadOnlyList<Digest> Path);

/// <summary>Evidence of what a provider has served in one epoch, for somebody who was not there. See docs/protocols/claims.md.</summary>
/// <remarks>Immutable. Holding one says nothing of its validity: <see cref="ClaimVerifier"/> tells. File: <c>[bin body, bin proofs, bin signature]</c>.</remarks>
public sealed class Claim
{
    /// <summary>The version that this code writes and reads.</summary>
    public const ulong Version = 1;

    /// <summary>Largest claim in bytes; a decoder refuses more.</summary>
    public const int MaxSize = 16 * 1024 * 1024;

    /// <summary>Most receipts in a claim.</summary>
    public const int MaxReceiptCount = 4096;

    /// <summary>Most blocks in a claim.</summary>
    public const int MaxBlockCount = 1024;

    /// <summary>Most attestations in a claim.</summary>
    public const int MaxAttestationCount = 64;

    /// <summary>Most hashes in an inclusion proof: what a block with the most receipts needs.</summary>
    public const int MaxPathCount = 20;

    private readonly byte[] _encodedBody;
    private readonly byte[] _encodedProofs;
    private readonly byte[] _signature;

    private Claim(ClaimBody body, byte[] encodedBody, IReadOnlyList<byte[]> proofs, byte[] encodedProofs, byte[] signature)
    {
        Body = body;
        Proofs = proofs;
        _encodedBody = encodedBody;
        _encodedProofs = encodedProofs;
        _signature = signature;
        Id = ComputeId(encodedBody);
    }

    private static ReadOnlySpan<byte> IdDomain => "overlay/claim/1\0"u8;

    private static ReadOnlySpan<byte> SignatureDomain => "overlay/claim-signature/1\0"u8;

    /// <summary>The claim's id: SHA-256 over a domain tag and the body, which has no proofs in it.</summary>
    public Digest Id { get; }

    /// <summary>Who claims.</summary>
    public PublicKey Provider => Body.Provider;

    /// <summary>The epoch (hours since the Unix epoch) that every receipt is of.</summary>
    public ulong Epoch => Body.Epoch;

    /// <summary>The provider's blocks, one after another.</summary>
    public IReadOnlyList<LedgerBlock> Blocks => Body.Blocks;

    /// <summary>The receipts, ascending by session and leg.</summary>
    public IReadOnlyList<ClaimedReceipt> Receipts => Body.Receipts;

    /// <summary>What is claimed, ascending by kind.</summary>
    public IReadOnlyList<ClaimStatement> Statements => Body.Statements;

    /// <summary>What witnesses say, ascending by witness.</summary>
    public IReadOnlyList<Attestation> Attestations => Body.Attestations;

    /// <summary>How many different keys have signed as consumers. That they are different people, nobody can tell.</summary>
    public int ConsumerCount => Receipts.Select(claimed => claimed.Receipt.Body.Consumer).Distinct().Count();

    internal ClaimBody Body { get; }

    /// <summary>One for each statement, in the same order.</summary>
    internal IReadOnlyList<byte[]> Proofs { get; }

    /// <summary>The claim's file form.</summary>
    public byte[] Encode() => new CanonicalWriter(3).Write(_encodedBody).Write(_encodedProofs).Write(_signature).ToArray();

    internal static Digest ComputeId(ReadOnlySpan<byte> encodedBody) => new(SHA256.HashData([.. IdDomain, .. encodedBody]));

    internal static Claim Sign(ClaimBody body, byte[] encodedBody, IReadOnlyList<byte[]> proofs, ISigner provider)
    {
        var writer = new CanonicalWriter(proofs.Count);
        foreach (byte[] proof in proofs) writer.Write(proof);
        byte[] encodedProofs = writer.ToArray(), signature = new byte[Ed25519.SignatureSize];
        provider.Sign([.. SignatureDomain, .. ComputeId(encodedBody).Bytes, .. encodedProofs], signature);
        return new Claim(body, encodedBody, proofs, encodedProofs, signature);
    }

    /// <summary>Decodes a claim without looking at anything that it says.</summary>
    /// <returns>The claim, or null and in words what is wrong with its form.</returns>
    internal static Claim? Decode(ReadOnlySpan<byte> encoded, out string? fault)
    {
        fault = encoded.Length > MaxSize ? $"it is larger than {MaxSize} bytes" : "it is not in the form of a claim";
        if (encoded.Length > MaxSize) return null;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(3)
            || !reader.TryReadBytes(1, MaxSize, out ReadOnlySpan<byte> bodyBytes)
            || !reader.TryReadBytes(1, MaxSize, out ReadOnlySpan<byte> proofBytes)
            || !reader.TryReadBytes(Ed25519.SignatureSize, Ed25519.SignatureSize, out ReadOnlySpan<byte> signature)
            || !reader.IsComplete) return null;
        ClaimBody? body = ClaimBody.Decode(bodyBytes, out fault);
        if (body is null) return null;
        List<byte[]>? proofs = DecodeProofs(proofBytes, body, out fault);
        return proofs is null ? null : new Claim(body, bodyBytes.ToArray(), proofs, proofBytes.ToArray(), signature.ToArray());
    }

    /// <summary>Whether the provider has signed body and proofs.</summary>
    internal bool HasValidSignature() => Ed25519.VerifyVarTime(Provider, [.. SignatureDomain, .. Id.Bytes, .. _encodedProofs], _signature);

    private static List<byte[]>? DecodeProofs(ReadOnlySpan<byte> encoded, ClaimBody body, out string? fault)
    {
        fault = "it has not one proof for each statement";
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(body.Statements.Count)) return null;
        var proofs = new List<byte[]>();
        foreach (ClaimStatement statement in body.Statements)
        {
            int size = ClaimProofs.Size(statement.Kind, body.Receipts.Count);
            fault = $"the proof that {statement} has another size than {size} bytes";
            if (!reader.TryReadBytes(size, size, out ReadOnlySpan<byte> proof)) return null;
            proofs.Add(proof.ToArray());
        }

        fault = reader.IsComplete ? null : "something follows its proofs";
        return fault is null ? proofs : null;
    }
}
