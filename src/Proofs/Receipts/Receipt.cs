using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Encoding;

namespace Overlay.Proofs.Receipts;

/// <summary>A receipt as it travels and is stored: the body's exact bytes, the consumer's signature, and the provider's once it has countersigned.</summary>
/// <remarks>Immutable. The body bytes are kept as received and never encoded again. Wire form: <c>[bin body, bin consumerSignature, bin providerSignature]</c>, the last empty until countersigned.</remarks>
public sealed class Receipt
{
    /// <summary>Largest encoded receipt in bytes.</summary>
    public const int MaxSize = ReceiptBody.MaxSize + 2 * (Ed25519.SignatureSize + 4) + 8;

    private static ReadOnlySpan<byte> Domain => "overlay/receipt/1\0"u8;

    private readonly byte[] _encodedBody;
    private readonly byte[] _consumerSignature;
    private readonly byte[] _providerSignature;

    private Receipt(ReceiptBody body, byte[] encodedBody, byte[] consumerSignature, byte[] providerSignature)
    {
        Body = body;
        _encodedBody = encodedBody;
        _consumerSignature = consumerSignature;
        _providerSignature = providerSignature;
        Hash = new Digest(SHA256.HashData(Tagged(encodedBody)));
    }

    /// <summary>What was signed, decoded.</summary>
    public ReceiptBody Body { get; }

    /// <summary>What was signed, as it was signed.</summary>
    public ReadOnlyMemory<byte> EncodedBody => _encodedBody;

    /// <summary>The receipt's id: SHA-256 over the domain tag and the body, whatever signatures it carries.</summary>
    public Digest Hash { get; }

    /// <summary>Whether the provider has signed too.</summary>
    public bool IsCountersigned => _providerSignature.Length != 0;

    /// <summary>The consumer's signature, 64 bytes.</summary>
    public ReadOnlyMemory<byte> ConsumerSignature => _consumerSignature;

    /// <summary>The provider's signature, 64 bytes, or empty until countersigned.</summary>
    public ReadOnlyMemory<byte> ProviderSignature => _providerSignature;

    /// <summary>Makes and signs a receipt as its consumer.</summary>
    /// <exception cref="ArgumentException">The signer's key is not the body's consumer, or a field of the body is out of its range.</exception>
    public static Receipt Issue(ReceiptBody body, ISigner consumer)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(consumer);
        if (consumer.PublicKey != body.Consumer) throw new ArgumentException("The signer is not the receipt's consumer.", nameof(consumer));
        byte[] encoded = body.Encode();
        // A signature on bytes that no one can decode would be worth nothing to the provider.
        if (!ReceiptBody.TryDecode(encoded, out _)) throw new ArgumentException("A field of the body is out of its range.", nameof(body));
        return new Receipt(body, encoded, Sign(consumer, encoded), []);
    }

    /// <summary>The same receipt with the provider's signature.</summary>
    /// <exception cref="ArgumentException">The signer's key is not the body's provider.</exception>
    public Receipt Countersign(ISigner provider)
    {
        ArgumentNullException.ThrowIfNull(provider);
        if (provider.PublicKey != Body.Provider) throw new ArgumentException("The signer is not the receipt's provider.", nameof(provider));
        return new Receipt(Body, _encodedBody, _consumerSignature, Sign(provider, _encodedBody));
    }

    /// <summary>The receipt's wire form.</summary>
    public byte[] Encode() => new CanonicalWriter(3).Write(_encodedBody).Write(_consumerSignature).Write(_providerSignature).ToArray();

    /// <summary>Decodes a receipt and checks the signatures it carries: the consumer's always, the provider's when present.</summary>
    /// <returns>False for malformed bytes and for any signature that does not hold. Never throws on what a peer sent.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out Receipt? receipt)
    {
        if (TryDecodeUnchecked(encoded, out Receipt? decoded) && ReceiptCommitment.IsWellFormed(decoded.Body.Commitment.Span) && decoded.HasValidSignatures())
        {
            receipt = decoded;
            return true;
        }

        receipt = null;
        return false;
    }

    /// <summary>Decodes a receipt without looking at its signatures, nor whether its commitment is a point: for a store that reads back its own, under a checksum.</summary>
    internal static bool TryDecodeUnchecked(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out Receipt? receipt)
    {
        receipt = null;
        if (encoded.Length > MaxSize) return false;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(3)
            || !reader.TryReadBytes(1, ReceiptBody.MaxSize, out ReadOnlySpan<byte> bodyBytes)
            || !reader.TryReadBytes(Ed25519.SignatureSize, Ed25519.SignatureSize, out ReadOnlySpan<byte> consumerSignature)
            || !reader.TryReadBytes(0, Ed25519.SignatureSize, out ReadOnlySpan<byte> providerSignature)
            || !reader.IsComplete
            || providerSignature.Length is not (0 or Ed25519.SignatureSize)
            || !ReceiptBody.TryDecodeUnchecked(bodyBytes, out ReceiptBody? body)) return false;

        receipt = new Receipt(body, bodyBytes.ToArray(), consumerSignature.ToArray(), providerSignature.ToArray());
        return true;
    }

    /// <summary>Adds the signatures it carries to a batch: the consumer's always, the provider's when present.</summary>
    /// <returns>How many.</returns>
    internal int AddSignatures(Ed25519Batch batch)
    {
        byte[] tagged = Tagged(_encodedBody);
        batch.Add(Body.Consumer, tagged, _consumerSignature);
        if (IsCountersigned) batch.Add(Body.Provider, tagged, _providerSignature);
        return IsCountersigned ? 2 : 1;
    }

    /// <summary>Whether the signatures it carries hold: the consumer's always, the provider's when present.</summary>
    internal bool HasValidSignatures()
    {
        byte[] tagged = Tagged(_encodedBody);
        return Ed25519.VerifyVarTime(Body.Consumer, tagged, _consumerSignature)
            && (_providerSignature.Length == 0 || Ed25519.VerifyVarTime(Body.Provider, tagged, _providerSignature));
    }

    private static byte[] Sign(ISigner signer, byte[] encodedBody)
    {
        byte[] signature = new byte[Ed25519.SignatureSize];
        signer.Sign(Tagged(encodedBody), signature);
        return signature;
    }

    private static byte[] Tagged(ReadOnlySpan<byte> encodedBody) => [.. Domain, .. encodedBody];
}
