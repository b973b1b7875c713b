using Overlay.Proofs.Encoding;

namespace Overlay.Sessions.Messages;

/// <summary>Consumer: asks for an offer. <c>[1, region]</c>, <c>ZZ</c> for any.</summary>
internal sealed record Ask(string Region)
{
    internal const int MaxSize = 8;

    internal byte[] Encode() => new CanonicalWriter(2).Write(1).Write(Region).ToArray();

    internal static Ask? Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new CanonicalReader(encoded);
        return reader.TryReadArrayHeader(2) && reader.TryReadUInt64(1, out ulong version) && version == 1
            && reader.TryReadString(2, out string region) && Offer.IsRegion(region) && reader.IsComplete ? new Ask(region) : null;
    }
}

/// <summary>Provider: answers with <c>[1, offerBody, signature]</c> or <c>[3, code, text]</c>, the latter being the session's Refuse.</summary>
internal static class OfferAnswer
{
    internal const int MaxSize = Offer.MaxEnvelopeSize + 8;

    private const ulong OfferKind = 1;

    internal static byte[] Encode(SignedEnvelope offer) => new CanonicalWriter(3).Write(OfferKind).Write(offer.Body.Span).Write(offer.Signature.Span).ToArray();

    /// <summary>The offer's envelope, or the refusal, or neither for anything else.</summary>
    internal static (SignedEnvelope? Offer, SessionMessage.Refuse? Refusal) Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new CanonicalReader(encoded);
        if (reader.TryReadArrayHeader(3) && reader.TryReadUInt64(byte.MaxValue, out ulong kind) && kind == OfferKind)
            return (SignedEnvelope.TryRead(ref reader, Offer.MaxBodySize, out SignedEnvelope offer) && reader.IsComplete ? offer : null, null);
        return (null, SessionMessage.Decode(encoded) as SessionMessage.Refuse);
    }
}
