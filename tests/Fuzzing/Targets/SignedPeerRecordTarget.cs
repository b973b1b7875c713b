using Overlay.Fuzzing.Engine;
using Overlay.Transport.Identity;
using Overlay.Transport.Identity.Records;

namespace Overlay.Fuzzing.Targets;

/// <summary>Signed peer records, as they come and, so that what lies behind the signature is reached too, with any content signed well.</summary>
/// <remarks>Input: a byte that says how, then the envelope (0) or the content to be signed (1: as peers sign it today, 2: in the provisional form).</remarks>
internal sealed class SignedPeerRecordTarget : FuzzTarget
{
    internal override string Name => "signed-peer-record";

    internal override int MaxSize => 8 * 1024 + 256;

    // A curve's arithmetic, the pieces of a protobuf message, and an object and its texts for each part of an address.
    internal override int FixedAllocation => 64 * 1024;

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            byte[] envelope = SignedPeerRecord.Create(FuzzKeys.Peer, MultiaddrSamples.Texts.Take(4).Select(Multiaddr.Parse), 7);
            byte[] content = EnvelopeMessage.Parser.ParseFrom(envelope).Payload.ToByteArray();
            return [[0, .. envelope], [1, .. content], [2, .. content], [0, .. SignedPeerRecord.Create(FuzzKeys.Peer, [], ulong.MaxValue)]];
        }
    }

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        ReadOnlySpan<byte> envelope = parts.TakeByte() switch
        {
            1 => SignedEnvelope.Seal(FuzzKeys.Peer, "libp2p-peer-record", [0x03, 0x01], parts.Rest),
            2 => SignedEnvelope.Seal(FuzzKeys.Peer, "libp2p-routing-state", "/libp2p/routing-state-record"u8, parts.Rest),
            _ => parts.Rest,
        };
        meter.Start();
        bool valid = SignedPeerRecord.TryOpen(envelope, out SignedPeerRecord? record);
        meter.Stop();
        if (!valid) return false;
        Invariant.Same(FuzzKeys.Peer.PeerId, record!.PeerId, "Only the peer that a record names has signed it");
        Invariant.Same(envelope, record.Envelope.Span, "A record is kept as it came");
        var limits = new SignedPeerRecordLimits();
        Invariant.Holds(record.Addresses.Count <= limits.MaxAddressCount && record.Envelope.Length <= limits.MaxSize, "A record keeps to the limits.");
        return true;
    }
}
