using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Identify;

/// <summary>Identify messages to bytes and back, without I/O.</summary>
internal static class IdentifyCodec
{
    /// <summary>Longest protocol name taken, in characters; multistream-select allows no line over 1,024 bytes.</summary>
    internal const int MaxProtocolSize = 1024;

    private const int MaxVersionSize = 256;

    /// <summary>Encodes what this node says of itself as one message with its varint length in front.</summary>
    internal static byte[] Encode(PeerInfo self, PeerPublicKey publicKey)
    {
        var message = new IdentifyMessage
        {
            PublicKey = ByteString.CopyFrom(publicKey.Encoded.Span),
            ProtocolVersion = self.ProtocolVersion,
            AgentVersion = self.AgentVersion,
        };
        foreach (Multiaddr address in self.ListenAddresses) message.ListenAddrs.Add(ByteString.CopyFrom(address.Bytes.Span));
        message.Protocols.AddRange(self.Protocols);
        if (self.ObservedAddress is { } observed) message.ObservedAddr = ByteString.CopyFrom(observed.Bytes.Span);
        if (!self.SignedPeerRecord.IsEmpty) message.SignedPeerRecord = ByteString.CopyFrom(self.SignedPeerRecord.Span);
        int size = message.CalculateSize();
        byte[] framed = new byte[Varint.Size((ulong)size) + size];
        int at = Varint.Write(framed, (ulong)size);
        message.WriteTo(framed.AsSpan(at));
        return framed;
    }

    /// <summary>Merges one message into what is known of its sender. Fields that are absent leave the earlier ones in place.</summary>
    /// <exception cref="ConnectionException">The message breaks the format or a limit, or names another peer's key.</exception>
    internal static PeerInfo Merge(PeerInfo known, ReadOnlySpan<byte> encoded, IdentifyOptions options)
    {
        IdentifyMessage message;
        try
        {
            message = IdentifyMessage.Parser.ParseFrom(encoded);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Violation(known.PeerId, "The identify message is no protobuf of its kind.", e);
        }

        if (message.HasPublicKey && (!PeerPublicKey.TryDecode(message.PublicKey.Span, out PeerPublicKey? key) || key.ToPeerId() != known.PeerId))
            throw Violation(known.PeerId, "The identify message carries another peer's public key.");
        if (message.Protocols.Count > options.MaxProtocolCount)
            throw Violation(known.PeerId, $"The identify message names {message.Protocols.Count} protocols, {options.MaxProtocolCount} are allowed.");
        if (message.ListenAddrs.Count > options.MaxAddressCount)
            throw Violation(known.PeerId, $"The identify message names {message.ListenAddrs.Count} addresses, {options.MaxAddressCount} are allowed.");
        if (message.AgentVersion.Length > MaxVersionSize || message.ProtocolVersion.Length > MaxVersionSize)
            throw Violation(known.PeerId, "The identify message carries an overlong version.");

        PeerInfo merged = known;
        if (message.HasAgentVersion) merged = merged with { AgentVersion = message.AgentVersion };
        if (message.HasProtocolVersion) merged = merged with { ProtocolVersion = message.ProtocolVersion };
        if (message.Protocols.Count > 0)
        {
            foreach (string protocol in message.Protocols)
                if (protocol.Length is 0 or > MaxProtocolSize) throw Violation(known.PeerId, "The identify message names a protocol of no allowed length.");
            merged = merged with { Protocols = [.. message.Protocols] };
        }

        if (message.HasObservedAddr && Multiaddr.TryFromBytes(message.ObservedAddr.Span, out Multiaddr? observed))
            merged = merged with { ObservedAddress = observed };
        if (message.HasSignedPeerRecord && TryOpenOwn(message.SignedPeerRecord.Span, known.PeerId, options, out IReadOnlyList<Multiaddr>? signed))
            return merged with { SignedPeerRecord = message.SignedPeerRecord.ToByteArray(), ListenAddresses = signed };

        // Addresses of kinds that this node does not know are no fault of the peer's: they are passed over.
        if (message.ListenAddrs.Count > 0 && merged.SignedPeerRecord.IsEmpty)
        {
            var addresses = new List<Multiaddr>(message.ListenAddrs.Count);
            foreach (ByteString bytes in message.ListenAddrs)
                if (Multiaddr.TryFromBytes(bytes.Span, out Multiaddr? address)) addresses.Add(address);
            merged = merged with { ListenAddresses = addresses };
        }

        return merged;
    }

    private static bool TryOpenOwn(ReadOnlySpan<byte> envelope, PeerId peer, IdentifyOptions options, [NotNullWhen(true)] out IReadOnlyList<Multiaddr>? addresses)
    {
        addresses = null;
        if (!SignedPeerRecord.TryOpen(envelope, out SignedPeerRecord? record) || record.PeerId != peer || record.Addresses.Count > options.MaxAddressCount) return false;
        addresses = record.Addresses;
        return true;
    }

    internal static ConnectionException Violation(PeerId peer, string message, Exception? inner = null) =>
        new(ConnectionError.ProtocolViolation, ConnectionStep.Stream, Fault.Peer, message, inner) { Peer = peer };
}
