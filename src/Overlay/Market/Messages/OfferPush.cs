using Overlay.Proofs;
using Overlay.Proofs.Encoding;
using Overlay.Sessions.Messages;

namespace Overlay.Market.Messages;

/// <summary>A provider's answer to a demand: <c>[1, demandId, offerBody, signature, signedPeerRecord]</c>. See docs/protocols/demand.md.</summary>
/// <param name="Demand">Which demand is answered.</param>
/// <param name="Offer">The terms.</param>
/// <param name="SignedRecord">Where the provider is (RFC 0003); the connection on which this comes shows a port of its own choosing.</param>
internal sealed record OfferPush(Digest Demand, SignedEnvelope Offer, ReadOnlyMemory<byte> SignedRecord)
{
    internal const int MaxRecordSize = 8 << 10;
    internal const int MaxSize = MaxRecordSize + Sessions.Messages.Offer.MaxEnvelopeSize + 64;

    internal byte[] Encode() =>
        new CanonicalWriter(5).Write(1).Write(Demand.Bytes).Write(Offer.Body.Span).Write(Offer.Signature.Span).Write(SignedRecord.Span).ToArray();

    internal static OfferPush? Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new CanonicalReader(encoded);
        return reader.TryReadArrayHeader(5) && reader.TryReadUInt64(1, out ulong version) && version == 1
            && reader.TryReadDigest(out Digest demand)
            && SignedEnvelope.TryRead(ref reader, Sessions.Messages.Offer.MaxBodySize, out SignedEnvelope offer)
            && reader.TryReadBytes(1, MaxRecordSize, out ReadOnlySpan<byte> record)
            && reader.IsComplete
            ? new OfferPush(demand, offer, record.ToArray())
            : null;
    }
}
