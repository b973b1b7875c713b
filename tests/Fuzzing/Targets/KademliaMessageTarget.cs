using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Records;
using Overlay.Discovery.Kademlia.Wire;
using Overlay.Fuzzing.Engine;
using Overlay.Proofs.Encoding;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>Messages of the DHT, and the signed values in them: what is accepted keeps to the limits, and says the same when it is told on.</summary>
/// <remarks>Input: a byte for the kind, then a message (0), or the body of a value, to be signed (1).</remarks>
internal sealed class KademliaMessageTarget : FuzzTarget
{
    private static readonly KademliaOptions s_options = new();

    private static readonly RecordRules s_rules = new(s_options);

    private static readonly byte[] s_key = SignedValue.KeyOf(FuzzKeys.Peer.PeerId, "x");

    internal override string Name => "kademlia-message";

    // A curve's arithmetic, and 256 peers of two bytes each.
    internal override int FixedAllocation => 48 * 1024;

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            var contact = new Contact(FuzzKeys.Peer.PeerId, [Multiaddr.Parse("/ip4/20.0.0.1/tcp/4001"), Multiaddr.Parse("/dns4/peer.example/tcp/1")]);
            byte[] value = SignedValue.Seal(FuzzKeys.Peer, s_key, 7, "hello"u8);
            var record = new KademliaRecord(s_key, value, "2026-01-01T00:00:00.000Z");
            KademliaMessage[] messages =
            [
                new(KademliaMessageType.FindNode, FuzzKeys.Own.PeerId.Bytes.ToArray()),
                new(KademliaMessageType.FindNode, "k"u8.ToArray()) { CloserPeers = [contact, new Contact(FuzzKeys.Own.PeerId, [])] },
                new(KademliaMessageType.AddProvider, "k"u8.ToArray()) { ProviderPeers = [contact] },
                new(KademliaMessageType.PutValue, s_key) { Record = record },
                new(KademliaMessageType.GetValue, s_key) { Record = record, CloserPeers = [contact] },
            ];
            byte[] body = new CanonicalWriter(3).Write(1UL).Write(7UL).Write("hello"u8).ToArray();
            return [.. messages.Select(message => (byte[])[0, .. KademliaCodec.Encode(message)]), [1, .. body], [1, 0x93, 0x01], [0, 0x08, 0x06]];
        }
    }

    internal override IReadOnlyList<byte[]> Words => [s_key, FuzzKeys.Peer.PeerId.Bytes.ToArray(), Multiaddr.Parse("/ip4/20.0.0.1/tcp/4001").Bytes.ToArray()];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        return parts.TakeByte() == 0 ? RunMessage(parts.Rest, meter) : RunValue(parts.Rest, meter);
    }

    private static bool RunMessage(ReadOnlySpan<byte> encoded, AllocationMeter meter)
    {
        meter.Start();
        bool accepted = KademliaCodec.TryDecode(encoded, s_options, out KademliaMessage? message);
        if (accepted) message = s_rules.Judge(message!);
        meter.Stop();
        if (!accepted) return false;
        foreach (Contact peer in message!.CloserPeers.Concat(message.ProviderPeers))
        {
            Invariant.Holds(peer.Addresses.Count <= s_options.MaxAddressesPerPeer, "A peer keeps to the limit of addresses.");
            int size = peer.Addresses.Sum(address => address.Bytes.Length);
            Invariant.Holds(size <= s_options.MaxAddressBytesPerPeer, "A peer keeps to the limit of its addresses' bytes.");
        }

        Invariant.Holds(message.CloserPeers.Count + message.ProviderPeers.Count <= s_options.MaxPeersPerMessage, "A message keeps to the limit of peers.");
        byte[] once = KademliaCodec.Encode(message);
        Invariant.Holds(KademliaCodec.TryDecode(once, s_options, out KademliaMessage? again), "What was written can be read.");
        Invariant.Same((ReadOnlySpan<byte>)once, KademliaCodec.Encode(again), "A message says the same when it is told on");
        return true;
    }

    private static bool RunValue(ReadOnlySpan<byte> body, AllocationMeter meter)
    {
        byte[] signature = new byte[64];
        FuzzKeys.Peer.Sign([.. "overlay/record/1\0"u8, .. System.Security.Cryptography.SHA256.HashData(s_key), .. body], signature);
        byte[] value = new CanonicalWriter(2).Write(body).Write(signature).ToArray();
        meter.Start();
        bool accepted = SignedValue.TryOpen(s_key, value, out SignedValue? opened);
        meter.Stop();
        ulong? sequence = SignedValue.ReadSequence(value);
        if (!accepted) return false;
        Invariant.Same(opened!.Sequence, sequence, "A value has one sequence");
        Invariant.Same((ReadOnlySpan<byte>)value, SignedValue.Seal(FuzzKeys.Peer, s_key, opened.Sequence, opened.Payload.Span), "A value has one encoding");
        return true;
    }
}
