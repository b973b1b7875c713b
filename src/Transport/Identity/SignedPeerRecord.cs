using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Overlay.Transport.Identity.Records;

namespace Overlay.Transport.Identity;

/// <summary>A peer's addresses, signed by the peer itself (libp2p specifications, RFC 0003), so that anybody can pass them on.</summary>
/// <remarks>
/// RFC 0003 names a provisional domain and payload type and says that a multicodec is to follow. It did (0x0301), and go-libp2p and js-libp2p use it with the
/// domain <c>libp2p-peer-record</c>; records are made in that form, and both forms are read. The protobuf parser is bounded by the size of its input,
/// which is checked first.
/// </remarks>
public sealed class SignedPeerRecord
{
    private const string Domain = "libp2p-peer-record";
    private const string ProvisionalDomain = "libp2p-routing-state";

    private static readonly SignedPeerRecordLimits s_defaultLimits = new();

    private SignedPeerRecord(PeerPublicKey publicKey, ulong sequence, Multiaddr[] addresses, byte[] envelope)
    {
        PublicKey = publicKey;
        PeerId = publicKey.ToPeerId();
        Sequence = sequence;
        Addresses = addresses;
        Envelope = envelope;
    }

    private static ReadOnlySpan<byte> PayloadType => [0x03, 0x01];

    private static ReadOnlySpan<byte> ProvisionalPayloadType => "/libp2p/routing-state-record"u8;

    /// <summary>The peer that signed.</summary>
    public PeerId PeerId { get; }

    /// <summary>That peer's public key.</summary>
    public PeerPublicKey PublicKey { get; }

    /// <summary>Grows with every record of one peer; of two records the greater counts. Not a time.</summary>
    public ulong Sequence { get; }

    /// <summary>The peer's addresses. Those with protocols unknown here were left out.</summary>
    public IReadOnlyList<Multiaddr> Addresses { get; }

    /// <summary>The whole record as it was received, for passing it on.</summary>
    public ReadOnlyMemory<byte> Envelope { get; }

    /// <summary>Makes and signs a record.</summary>
    /// <param name="identity">The peer whose addresses they are.</param>
    /// <param name="addresses">The addresses, with or without the peer's id at their end.</param>
    /// <param name="sequence">Greater than that of every earlier record of this peer.</param>
    /// <exception cref="ArgumentException">More addresses, or longer ones, than others would accept by the default of <see cref="SignedPeerRecordLimits"/>.</exception>
    public static byte[] Create(PeerIdentity identity, IEnumerable<Multiaddr> addresses, ulong sequence)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(addresses);
        var record = new PeerRecordMessage { PeerId = ByteString.CopyFrom(identity.PeerId.Bytes), Seq = sequence };
        foreach (Multiaddr address in addresses)
            record.Addresses.Add(new PeerRecordMessage.Types.AddressInfo { Multiaddr = ByteString.CopyFrom(address.Bytes.Span) });
        if (record.Addresses.Count > s_defaultLimits.MaxAddressCount)
            throw new ArgumentException($"A record has at most {s_defaultLimits.MaxAddressCount} addresses, not {record.Addresses.Count}.", nameof(addresses));
        byte[] envelope = SignedEnvelope.Seal(identity, Domain, PayloadType, record.ToByteArray());
        return envelope.Length <= s_defaultLimits.MaxSize
            ? envelope
            : throw new ArgumentException($"A record has at most {s_defaultLimits.MaxSize} bytes, not {envelope.Length}.", nameof(addresses));
    }

    /// <summary>Reads a record and checks its signature.</summary>
    /// <param name="envelope">The record as received.</param>
    /// <param name="record">The record, when the answer is true.</param>
    /// <param name="limits">How much it may hold; the defaults when null.</param>
    /// <returns>False for anything that is no record, is signed by another than the peer it names, or exceeds the limits. Never throws on what a peer sent.</returns>
    public static bool TryOpen(ReadOnlySpan<byte> envelope, [NotNullWhen(true)] out SignedPeerRecord? record, SignedPeerRecordLimits? limits = null)
    {
        limits ??= s_defaultLimits;
        record = null;
        if (envelope.IsEmpty || envelope.Length > limits.MaxSize) return false;
        try
        {
            EnvelopeMessage outer = EnvelopeMessage.Parser.ParseFrom(envelope);
            if (!TryGetDomain(outer.PayloadType.Span, out string? domain)) return false;
            if (!PeerPublicKey.TryDecode(outer.PublicKey.Span, out PeerPublicKey? key)) return false;
            // The payload is not looked into before its signature holds.
            if (!SignedEnvelope.VerifyVarTime(outer, key, domain)) return false;
            PeerRecordMessage inner = PeerRecordMessage.Parser.ParseFrom(outer.Payload);
            if (!inner.PeerId.Span.SequenceEqual(key.ToPeerId().Bytes) || inner.Addresses.Count > limits.MaxAddressCount) return false;
            record = new SignedPeerRecord(key, inner.Seq, KnownAddresses(inner), envelope.ToArray());
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static bool TryGetDomain(ReadOnlySpan<byte> payloadType, [NotNullWhen(true)] out string? domain)
    {
        domain = payloadType.SequenceEqual(PayloadType) ? Domain : payloadType.SequenceEqual(ProvisionalPayloadType) ? ProvisionalDomain : null;
        return domain is not null;
    }

    private static Multiaddr[] KnownAddresses(PeerRecordMessage record)
    {
        var known = new List<Multiaddr>(record.Addresses.Count);
        foreach (PeerRecordMessage.Types.AddressInfo info in record.Addresses)
            if (Multiaddr.TryFromBytes(info.Multiaddr.Span, out Multiaddr? address)) known.Add(address);
        return [.. known];
    }
}
