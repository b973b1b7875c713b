using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Encoding;

namespace Overlay.Sessions.Messages;

/// <summary>What a consumer signs to open a session: <c>[1, offer, consumerKey, ephemeralKey]</c>, the offer being its whole envelope.</summary>
internal sealed record OpenBody(SignedEnvelope Offer, PublicKey Consumer, ReadOnlyMemory<byte> EphemeralKey)
{
    internal const int MaxSize = Messages.Offer.MaxEnvelopeSize + 128;

    private static ReadOnlySpan<byte> Domain => "overlay/open/1\0"u8;

    internal SignedEnvelope Sign(ISigner consumer, ReadOnlySpan<byte> handshakeHash) => SignedEnvelope.Sign(consumer, Domain, handshakeHash,
        new CanonicalWriter(4).Write(1).Write(Offer.Encode()).Write(Consumer.Bytes).Write(EphemeralKey.Span).ToArray());

    /// <summary>Checks the signature of <paramref name="consumer"/> for this very connection, then reads.</summary>
    internal static SessionError TryOpen(SignedEnvelope envelope, PublicKey consumer, ReadOnlySpan<byte> handshakeHash, out OpenBody? open)
    {
        open = null;
        if (!envelope.IsSignedBy(consumer, Domain, handshakeHash)) return SessionError.BadSignature;
        var reader = new CanonicalReader(envelope.Body.Span);
        if (!reader.TryReadArrayHeader(4) || !reader.TryReadUInt64(1, out ulong version) || version != 1
            || !reader.TryReadBytes(1, Messages.Offer.MaxEnvelopeSize, out ReadOnlySpan<byte> offerBytes)
            || !SignedEnvelope.TryDecode(offerBytes, Messages.Offer.MaxBodySize, out SignedEnvelope offer)
            || !reader.TryReadPublicKey(out PublicKey key)
            || !reader.TryReadBytes(X25519.KeySize, X25519.KeySize, out ReadOnlySpan<byte> ephemeral)
            || !reader.IsComplete) return SessionError.Malformed;
        if (key != consumer) return SessionError.WrongKey;
        open = new OpenBody(offer, key, ephemeral.ToArray());
        return SessionError.None;
    }
}

/// <summary>What a provider signs to accept: <c>[1, sessionId, ephemeralKey]</c>.</summary>
internal sealed record AcceptBody(Digest SessionId, ReadOnlyMemory<byte> EphemeralKey)
{
    internal const int MaxSize = 96;

    private static ReadOnlySpan<byte> Domain => "overlay/accept/1\0"u8;

    internal SignedEnvelope Sign(ISigner provider, ReadOnlySpan<byte> handshakeHash) => SignedEnvelope.Sign(provider, Domain, handshakeHash,
        new CanonicalWriter(3).Write(1).Write(SessionId.Bytes).Write(EphemeralKey.Span).ToArray());

    internal static bool TryOpen(SignedEnvelope envelope, PublicKey provider, ReadOnlySpan<byte> handshakeHash, [NotNullWhen(true)] out AcceptBody? accept)
    {
        accept = null;
        if (!envelope.IsSignedBy(provider, Domain, handshakeHash)) return false;
        var reader = new CanonicalReader(envelope.Body.Span);
        if (!reader.TryReadArrayHeader(3) || !reader.TryReadUInt64(1, out ulong version) || version != 1
            || !reader.TryReadDigest(out Digest id)
            || !reader.TryReadBytes(X25519.KeySize, X25519.KeySize, out ReadOnlySpan<byte> ephemeral)
            || !reader.IsComplete) return false;
        accept = new AcceptBody(id, ephemeral.ToArray());
        return true;
    }
}

/// <summary>The id that binds a session to one connection, one offer and two fresh keys.</summary>
internal static class SessionId
{
    internal static Digest Derive(ReadOnlySpan<byte> handshakeHash, Digest offerId, ReadOnlySpan<byte> consumerEphemeral, ReadOnlySpan<byte> providerEphemeral) =>
        new(SHA256.HashData([.. "overlay/session/1"u8, .. handshakeHash, .. offerId.Bytes, .. consumerEphemeral, .. providerEphemeral]));
}
