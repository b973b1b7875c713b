using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Encoding;
using Overlay.Sessions.Messages;
using Overlay.Transport.Identity;

namespace Overlay.Market.Messages;

/// <summary>What a consumer asks for, signed and told to all by gossip. See docs/protocols/demand.md.</summary>
/// <remarks>Body: <c>[1, nonce, consumerKey, region, bytesWanted, maxPricePerGiB, notAfter, minMbps, exitPorts, replyAddresses]</c>.</remarks>
internal sealed record Demand
{
    internal const int MaxBodySize = 1024;
    internal const int MaxEnvelopeSize = MaxBodySize + 80;
    internal const int MaxPortCount = 16;
    internal const int MaxAddressCount = 4;
    internal const int MaxAddressSize = 160;

    private static ReadOnlySpan<byte> Domain => "overlay/demand/1\0"u8;

    internal required PublicKey Consumer { get; init; }

    /// <summary>ISO 3166-1 alpha-2, or <c>ZZ</c> for anywhere.</summary>
    internal required string Region { get; init; }

    /// <summary>About how much will be bought; 0 says nothing.</summary>
    internal required ulong BytesWanted { get; init; }

    /// <summary>Micro-credits for a GiB, the most that will be paid.</summary>
    internal required ulong MaxPricePerGiB { get; init; }

    /// <summary>Last second at which an offer is of use, Unix time.</summary>
    internal required ulong NotAfter { get; init; }

    /// <summary>The least rate that is of use, in megabits per second; 0 for any.</summary>
    internal required uint MinMbps { get; init; }

    /// <summary>Ports of targets that the exit must allow, ascending; none says nothing.</summary>
    internal required IReadOnlyList<ushort> ExitPorts { get; init; }

    /// <summary>Where offers are taken, each without the peer's id: that is the consumer key's.</summary>
    internal required IReadOnlyList<Multiaddr> ReplyAddresses { get; init; }

    /// <summary>The signed bytes as they came or were made.</summary>
    internal required SignedEnvelope Envelope { get; init; }

    /// <summary>SHA-256 over domain tag and body, as of every object.</summary>
    internal Digest Id => new(SHA256.HashData([.. Domain, .. Envelope.Body.Span]));

    /// <summary>The name by which the consumer is dialled.</summary>
    internal PeerId Peer => PeerId.FromPublicKey(PeerPublicKey.FromEd25519(Consumer.Bytes));

    /// <summary>Makes and signs a demand; what <paramref name="wanted"/> has for key and envelope is left out of account.</summary>
    internal static Demand Create(Demand wanted, ISigner consumer)
    {
        byte[] body = new CanonicalWriter(10)
            .Write(1).Write(RandomNumberGenerator.GetBytes(Digest.Size)).Write(consumer.PublicKey.Bytes).Write(wanted.Region).Write(wanted.BytesWanted)
            .Write(wanted.MaxPricePerGiB).Write(wanted.NotAfter).Write(wanted.MinMbps)
            .WriteArray(wanted.ExitPorts.Count, ports =>
            {
                foreach (ushort port in wanted.ExitPorts) ports.Write(port);
            })
            .WriteArray(wanted.ReplyAddresses.Count, addresses =>
            {
                foreach (Multiaddr address in wanted.ReplyAddresses) addresses.Write(address.Bytes.Span);
            }).ToArray();
        return TryOpen(SignedEnvelope.Sign(consumer, Domain, [], body), out Demand? made)
            ? made
            : throw new ArgumentException("The demand cannot be written: a field is over its limit.", nameof(wanted));
    }

    /// <summary>Reads what came as a message of gossip, then checks the signature. False for anything that the key in it did not sign in just this form.</summary>
    internal static bool TryOpen(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out Demand? demand)
    {
        demand = null;
        return encoded.Length <= MaxEnvelopeSize && SignedEnvelope.TryDecode(encoded, MaxBodySize, out SignedEnvelope envelope) && TryOpen(envelope, out demand);
    }

    private static bool TryOpen(SignedEnvelope envelope, [NotNullWhen(true)] out Demand? demand)
    {
        demand = null;
        // The key stands in the body: what is read before the signature is checked is thrown away if it does not hold.
        var reader = new CanonicalReader(envelope.Body.Span);
        if (!reader.TryReadArrayHeader(10) || !reader.TryReadUInt64(1, out ulong version) || version != 1
            || !reader.TryReadDigest(out _)
            || !reader.TryReadPublicKey(out PublicKey consumer) || !envelope.IsSignedBy(consumer, Domain, [])
            || !reader.TryReadString(2, out string region) || !Offer.IsRegion(region)
            || !reader.TryReadUInt64(long.MaxValue, out ulong bytes)
            || !reader.TryReadUInt64(long.MaxValue, out ulong price)
            || !reader.TryReadUInt64(long.MaxValue, out ulong notAfter)
            || !reader.TryReadUInt32(uint.MaxValue, out uint minMbps)
            || !TryReadPorts(ref reader, out ushort[] ports)
            || !TryReadAddresses(ref reader, out Multiaddr[] addresses)
            || !reader.IsComplete) return false;
        demand = new Demand
        {
            Consumer = consumer,
            Region = region,
            BytesWanted = bytes,
            MaxPricePerGiB = price,
            NotAfter = notAfter,
            MinMbps = minMbps,
            ExitPorts = ports,
            ReplyAddresses = addresses,
            Envelope = envelope,
        };
        return true;
    }

    private static bool TryReadPorts(ref CanonicalReader reader, out ushort[] ports)
    {
        ports = [];
        if (!reader.TryReadArrayHeader(0, MaxPortCount, out int count)) return false;
        ports = new ushort[count];
        for (int i = 0; i < count; i++)
        {
            // Ascending, so that one set has one form.
            if (!reader.TryReadUInt32(ushort.MaxValue, out uint port) || port == 0 || (i > 0 && port <= ports[i - 1])) return false;
            ports[i] = (ushort)port;
        }

        return true;
    }

    private static bool TryReadAddresses(ref CanonicalReader reader, out Multiaddr[] addresses)
    {
        addresses = [];
        if (!reader.TryReadArrayHeader(0, MaxAddressCount, out int count)) return false;
        addresses = new Multiaddr[count];
        for (int i = 0; i < count; i++)
        {
            if (!reader.TryReadBytes(1, MaxAddressSize, out ReadOnlySpan<byte> bytes) || !Multiaddr.TryFromBytes(bytes, out Multiaddr? address) || address.PeerId is not null) return false;
            addresses[i] = address;
        }

        return true;
    }
}
