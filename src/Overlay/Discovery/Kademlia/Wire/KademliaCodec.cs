using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia.Wire;

/// <summary>Messages to bytes and back, without I/O.</summary>
internal static class KademliaCodec
{
    /// <summary>Longest key taken, in bytes: a namespace and a name in a hash or two.</summary>
    internal const int MaxKeySize = 512;

    // RFC 3339 with nanoseconds has 35 characters.
    private const int MaxTimeSize = 64;

    internal static byte[] Encode(KademliaMessage message)
    {
        var wire = new RpcMessage { Type = (int)message.Type, Key = ByteString.CopyFrom(message.Key.Span) };
        if (message.Record is { } record)
        {
            wire.Record = new RecordMessage { Key = ByteString.CopyFrom(record.Key.Span), Value = ByteString.CopyFrom(record.Value.Span) };
            if (record.TimeReceived.Length != 0) wire.Record.TimeReceived = record.TimeReceived;
        }

        Add(wire.CloserPeers, message.CloserPeers);
        Add(wire.ProviderPeers, message.ProviderPeers);
        return wire.ToByteArray();
    }

    /// <summary>Reads a message; false for one that is malformed or over a limit. Peers without a valid name and addresses that this node
    /// has no transport for are passed over.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> encoded, KademliaOptions options, [NotNullWhen(true)] out KademliaMessage? message)
    {
        message = null;
        // What a parsed message costs in memory is bounded before it is parsed.
        if (encoded.Length > options.MaxMessageSize || !WireLimits.Allow(encoded, options)) return false;
        RpcMessage wire;
        try
        {
            wire = RpcMessage.Parser.ParseFrom(encoded);
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }

        if (wire.Type is < (int)KademliaMessageType.PutValue or > (int)KademliaMessageType.Ping || wire.Key.Length > MaxKeySize) return false;
        KademliaRecord? record = null;
        if (wire.Record is { } sent)
        {
            if (sent.Key.Length > MaxKeySize || sent.Value.Length > options.MaxValueSize || sent.TimeReceived.Length > MaxTimeSize) return false;
            record = new KademliaRecord(sent.Key.Memory, sent.Value.Memory, sent.TimeReceived);
        }

        message = new KademliaMessage((KademliaMessageType)wire.Type, wire.Key.Memory)
        {
            Record = record,
            CloserPeers = Read(wire.CloserPeers, options),
            ProviderPeers = Read(wire.ProviderPeers, options),
        };
        return true;
    }

    private static void Add(RepeatedField<PeerMessage> wire, IReadOnlyList<Contact> contacts)
    {
        foreach (Contact contact in contacts)
        {
            var peer = new PeerMessage { Id = ByteString.CopyFrom(contact.Id.Bytes) };
            foreach (Multiaddr address in contact.Addresses) peer.Addrs.Add(ByteString.CopyFrom(address.Bytes.Span));
            wire.Add(peer);
        }
    }

    private static Multiaddr? ReadAddress(ByteString bytes) => Multiaddr.TryFromBytes(bytes.Span, out Multiaddr? address) ? address : null;

    private static List<Contact> Read(RepeatedField<PeerMessage> wire, KademliaOptions options)
    {
        var contacts = new List<Contact>(wire.Count);
        var policy = new AddressPolicy(options);
        foreach (PeerMessage peer in wire)
        {
            if (!PeerId.TryFromBytes(peer.Id.Span, out PeerId? id)) continue;
            // Those that cannot be dialled must not take the room of those that can.
            contacts.Add(new Contact(id, policy.Take(peer.Addrs.Select(ReadAddress).OfType<Multiaddr>().Where(policy.HasTransport))));
        }

        return contacts;
    }
}
