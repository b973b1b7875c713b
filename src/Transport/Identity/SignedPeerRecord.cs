using System.Diagnostics.CodeAnalysis;
using System.Text;
using Google.Protobuf;
using Overlay.Transport.Identity.Wire;

namespace Overlay.Transport.Identity;

/// <summary>Where a peer says that it listens, in a form that others can pass on (libp2p RFC 0003).</summary>
/// <param name="PeerId">The peer.</param>
/// <param name="Sequence">Grows with every change; of two records the higher counts.</param>
/// <param name="Addresses">Its addresses; kinds that this node does not know are left out.</param>
public sealed record PeerRecord(PeerId PeerId, ulong Sequence, IReadOnlyList<Multiaddr> Addresses);

/// <summary>Peer records in signed envelopes (libp2p RFC 0002 and 0003).</summary>
public static class SignedPeerRecord
{
    /// <summary>Largest envelope taken from a peer, in bytes.</summary>
    public const int MaxSize = 16 * 1024;

    private static readonly byte[] s_domain = Encoding.UTF8.GetBytes("libp2p-peer-record");

    // The multicodec of a libp2p peer record, 0x0301, as two plain bytes: RFC 0003.
    private static readonly byte[] s_payloadType = [0x03, 0x01];

    /// <summary>Makes and signs a record of this node.</summary>
    /// <param name="identity">Whose record it is.</param>
    /// <param name="addresses">Its addresses, without <c>/p2p/…</c>.</param>
    /// <param name="sequence">Higher than any before.</param>
    public static byte[] Create(PeerIdentity identity, IEnumerable<Multiaddr> addresses, ulong sequence)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(addresses);
        var record = new PeerRecordMessage { PeerId = ByteString.CopyFrom(identity.PeerId.Bytes), Seq = sequence };
        foreach (Multiaddr address in addresses)
            record.Addresses.Add(new PeerRecordMessage.Types.AddressInfo { Multiaddr = ByteString.CopyFrom(address.Bytes.Span) });
        byte[] payload = record.ToByteArray();
        byte[] signature = new byte[64];
        identity.Sign(SignedText(payload), signature);
        return new EnvelopeMessage
        {
            PublicKey = ByteString.CopyFrom(identity.PublicKey.Encoded.Span),
            PayloadType = ByteString.CopyFrom(s_payloadType),
            Payload = ByteString.CopyFrom(payload),
            Signature = ByteString.CopyFrom(signature),
        }.ToByteArray();
    }

    /// <summary>Opens an envelope: checks its kind, its signature, and that the record is the signer's own.</summary>
    /// <param name="envelope">The envelope's bytes as received.</param>
    /// <param name="maxAddressCount">Most addresses that are taken; a record with more is refused.</param>
    /// <param name="record">The record, when it holds.</param>
    /// <returns>False for anything that does not hold. Never throws on what a peer sent.</returns>
    public static bool TryOpen(ReadOnlySpan<byte> envelope, int maxAddressCount, [NotNullWhen(true)] out PeerRecord? record)
    {
        record = null;
        if (envelope.Length > MaxSize) return false;
        try
        {
            EnvelopeMessage outer = EnvelopeMessage.Parser.ParseFrom(envelope);
            if (!outer.PayloadType.Span.SequenceEqual(s_payloadType)
                || !PeerPublicKey.TryDecode(outer.PublicKey.Span, out PeerPublicKey? key)
                || !key.VerifyVarTime(SignedText(outer.Payload.Span), outer.Signature.Span)) return false;
            PeerRecordMessage inner = PeerRecordMessage.Parser.ParseFrom(outer.Payload);
            if (inner.Addresses.Count > maxAddressCount
                || !PeerId.TryFromBytes(inner.PeerId.Span, out PeerId? peer)
                || peer != key.ToPeerId()) return false;
            var addresses = new List<Multiaddr>(inner.Addresses.Count);
            foreach (PeerRecordMessage.Types.AddressInfo info in inner.Addresses)
                if (Multiaddr.TryFromBytes(info.Multiaddr.Span, out Multiaddr? address)) addresses.Add(address);
            record = new PeerRecord(peer, inner.Seq, addresses);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    /// <summary>What is signed: domain, type and payload, each with its varint length in front (RFC 0002, "Signature Production").</summary>
    private static byte[] SignedText(ReadOnlySpan<byte> payload)
    {
        byte[] text = new byte[s_domain.Length + s_payloadType.Length + payload.Length + 3 * Varint.MaxSize];
        int at = Append(text, 0, s_domain);
        at = Append(text, at, s_payloadType);
        at = Append(text, at, payload);
        return text[..at];
    }

    private static int Append(byte[] text, int at, ReadOnlySpan<byte> field)
    {
        at += Varint.Write(text.AsSpan(at), (ulong)field.Length);
        field.CopyTo(text.AsSpan(at));
        return at + field.Length;
    }
}
