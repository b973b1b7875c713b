using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Merkle;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>One block of a peer's chain as it travels: the body's exact bytes and its author's signature.</summary>
/// <remarks>Immutable. The body's bytes are kept as received and never encoded again. Wire form: <c>[bin body, bin signature]</c>, see docs/protocols/ledger.md.</remarks>
public sealed class LedgerBlock
{
    /// <summary>Largest encoded block in bytes.</summary>
    public const int MaxSize = LedgerBlockBody.MaxSize + Ed25519.SignatureSize + 8;

    private static ReadOnlySpan<byte> Domain => "overlay/block/1\0"u8;

    private readonly byte[] _encodedBody;
    private readonly byte[] _signature;

    private LedgerBlock(LedgerBlockBody body, byte[] encodedBody, byte[] signature)
    {
        Body = body;
        _encodedBody = encodedBody;
        _signature = signature;
        Hash = new Digest(SHA256.HashData(Tagged(encodedBody)));
    }

    /// <summary>What was signed, decoded.</summary>
    public LedgerBlockBody Body { get; }

    /// <summary>What was signed, as it was signed.</summary>
    public ReadOnlyMemory<byte> EncodedBody => _encodedBody;

    /// <summary>The author's signature, 64 bytes.</summary>
    public ReadOnlyMemory<byte> Signature => _signature;

    /// <summary>The block's id: SHA-256 over the domain tag and the body, without the signature.</summary>
    public Digest Hash { get; }

    /// <summary>The block as the head of its author's chain.</summary>
    public LedgerHead Head => new(Body.Author, Body.Sequence, Hash);

    /// <summary>What a receipt's leaf in a block's tree hashes to. The leaf is the receipt's 32-byte hash, which binds its body; signatures are no part of it.</summary>
    public static Digest LeafHash(Receipt receipt)
    {
        ArgumentNullException.ThrowIfNull(receipt);
        return MerkleTree.HashLeaf(receipt.Hash.Bytes);
    }

    /// <summary>Makes and signs a block.</summary>
    /// <exception cref="ArgumentException">The signer's key is not the body's author, or a field of the body is out of its range.</exception>
    public static LedgerBlock Seal(LedgerBlockBody body, ISigner author)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(author);
        if (author.PublicKey != body.Author) throw new ArgumentException("The signer is not the block's author.", nameof(author));
        byte[] encoded = body.Encode();
        // A signature on bytes that no one can decode would end the chain for good.
        if (!LedgerBlockBody.TryDecode(encoded, out _)) throw new ArgumentException("A field of the body is out of its range.", nameof(body));
        byte[] signature = new byte[Ed25519.SignatureSize];
        author.Sign(Tagged(encoded), signature);
        return new LedgerBlock(body, encoded, signature);
    }

    /// <summary>The block's wire form.</summary>
    public byte[] Encode() => new CanonicalWriter(2).Write(_encodedBody).Write(_signature).ToArray();

    /// <summary>Decodes a block and checks its signature.</summary>
    /// <returns>False for malformed bytes and for a signature that does not hold. Never throws on what a peer sent.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out LedgerBlock? block)
    {
        if (TryDecodeUnchecked(encoded, out block) && block.HasValidSignature()) return true;
        block = null;
        return false;
    }

    /// <summary>Decodes a block without looking at its signature, which the caller checks together with others.</summary>
    internal static bool TryDecodeUnchecked(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out LedgerBlock? block)
    {
        block = null;
        if (encoded.Length > MaxSize) return false;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(2)
            || !reader.TryReadBytes(1, LedgerBlockBody.MaxSize, out ReadOnlySpan<byte> bodyBytes)
            || !reader.TryReadBytes(Ed25519.SignatureSize, Ed25519.SignatureSize, out ReadOnlySpan<byte> signature)
            || !reader.IsComplete
            || !LedgerBlockBody.TryDecode(bodyBytes, out LedgerBlockBody? body)) return false;
        block = new LedgerBlock(body, bodyBytes.ToArray(), signature.ToArray());
        return true;
    }

    /// <summary>Whether its author has signed it.</summary>
    internal bool HasValidSignature() => Ed25519.VerifyVarTime(Body.Author, Tagged(_encodedBody), _signature);

    /// <summary>Adds the block's signature to a batch.</summary>
    internal void AddSignature(Ed25519Batch batch) => batch.Add(Body.Author, Tagged(_encodedBody), _signature);

    private static byte[] Tagged(ReadOnlySpan<byte> encodedBody) => [.. Domain, .. encodedBody];
}
