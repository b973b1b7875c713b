using System.Buffers;
using System.Text;
using Google.Protobuf;

namespace Overlay.Transport.Identity.Records;

/// <summary>libp2p's signed envelope (RFC 0002): a payload with its type, signed for one purpose.</summary>
internal static class SignedEnvelope
{
    internal static byte[] Seal(PeerIdentity identity, string domain, ReadOnlySpan<byte> payloadType, ReadOnlySpan<byte> payload)
    {
        byte[] signature = new byte[Crypto.Ed25519.SignatureSize];
        identity.Sign(SignedBytes(domain, payloadType, payload), signature);
        return new EnvelopeMessage
        {
            PublicKey = ByteString.CopyFrom(identity.PublicKey.Encoded.Span),
            PayloadType = ByteString.CopyFrom(payloadType),
            Payload = ByteString.CopyFrom(payload),
            Signature = UnsafeByteOperations.UnsafeWrap(signature),
        }.ToByteArray();
    }

    /// <summary>Whether the envelope's key has signed its payload for <paramref name="domain"/>. Variable time: all of it is public.</summary>
    internal static bool VerifyVarTime(EnvelopeMessage envelope, PeerPublicKey key, string domain) =>
        key.VerifyVarTime(SignedBytes(domain, envelope.PayloadType.Span, envelope.Payload.Span), envelope.Signature.Span);

    // length of domain | domain | length of type | type | length of payload | payload, with lengths as varints (RFC 0002, "Signature Production")
    private static byte[] SignedBytes(string domain, ReadOnlySpan<byte> payloadType, ReadOnlySpan<byte> payload)
    {
        byte[] domainBytes = Encoding.UTF8.GetBytes(domain);
        var bytes = new ArrayBufferWriter<byte>((3 * Varint.MaxSize) + domainBytes.Length + payloadType.Length + payload.Length);
        Append(bytes, domainBytes);
        Append(bytes, payloadType);
        Append(bytes, payload);
        return bytes.WrittenSpan.ToArray();
    }

    private static void Append(ArrayBufferWriter<byte> bytes, ReadOnlySpan<byte> field)
    {
        bytes.Advance(Varint.Write(bytes.GetSpan(Varint.MaxSize), (ulong)field.Length));
        bytes.Write(field);
    }
}
