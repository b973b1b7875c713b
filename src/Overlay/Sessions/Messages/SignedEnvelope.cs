using Overlay.Proofs;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Encoding;

namespace Overlay.Sessions.Messages;

/// <summary>A signed message as it travels: <c>[bin body, bin signature]</c>. The body's bytes are kept as they came and never encoded again.</summary>
/// <remarks>What is signed is <c>domain ‖ binding ‖ body</c>: the domain tag names the kind of message, the binding (the connection's handshake hash,
/// or nothing) says where it is valid. Tags end in a zero byte and bindings have a fixed size, so no two readings of the bytes exist.</remarks>
internal readonly record struct SignedEnvelope(ReadOnlyMemory<byte> Body, ReadOnlyMemory<byte> Signature)
{
    internal static SignedEnvelope Sign(ISigner signer, ReadOnlySpan<byte> domain, ReadOnlySpan<byte> binding, byte[] body)
    {
        byte[] signature = new byte[Ed25519.SignatureSize];
        signer.Sign([.. domain, .. binding, .. body], signature);
        return new SignedEnvelope(body, signature);
    }

    internal bool IsSignedBy(PublicKey signer, ReadOnlySpan<byte> domain, ReadOnlySpan<byte> binding) =>
        Ed25519.VerifyVarTime(signer, [.. domain, .. binding, .. Body.Span], Signature.Span);

    internal byte[] Encode() => new CanonicalWriter(2).Write(Body.Span).Write(Signature.Span).ToArray();

    internal static bool TryDecode(ReadOnlySpan<byte> encoded, int maxBodySize, out SignedEnvelope envelope)
    {
        envelope = default;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(2) || !TryRead(ref reader, maxBodySize, out SignedEnvelope read) || !reader.IsComplete) return false;
        envelope = read;
        return true;
    }

    /// <summary>Reads body and signature as the next two elements of an array.</summary>
    internal static bool TryRead(ref CanonicalReader reader, int maxBodySize, out SignedEnvelope envelope)
    {
        envelope = default;
        if (!reader.TryReadBytes(1, maxBodySize, out ReadOnlySpan<byte> body)
            || !reader.TryReadBytes(Ed25519.SignatureSize, Ed25519.SignatureSize, out ReadOnlySpan<byte> signature)) return false;
        envelope = new SignedEnvelope(body.ToArray(), signature.ToArray());
        return true;
    }
}
