using Overlay.Gossip;
using Overlay.Market.Messages;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market;

/// <summary>Demands and offers for tests.</summary>
internal static class Demands
{
    internal static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    internal static Demand Make(
        PeerIdentity? consumer = null, string region = "DE", ulong maxPrice = 100_000, TimeSpan? ahead = null, uint minMbps = 0, ulong bytes = 1 << 30, ushort[]? ports = null, int addresses = 1, int network = 113)
    {
        consumer ??= PeerIdentity.Generate();
        return Demand.Create(
            new Demand
            {
                Consumer = default,
                Region = region,
                BytesWanted = bytes,
                MaxPricePerGiB = maxPrice,
                NotAfter = (ulong)(Now + (ahead ?? TimeSpan.FromMinutes(2))).ToUnixTimeSeconds(),
                MinMbps = minMbps,
                ExitPorts = ports ?? [80, 443],
                ReplyAddresses = [.. Enumerable.Range(1, addresses).Select(i => Multiaddr.Parse($"/ip4/203.0.{network}.{i}/tcp/4001"))],
                Envelope = default,
            },
            new IdentitySigner(consumer));
    }

    internal static GossipMessage Message(Demand demand, PeerIdentity? author = null, PeerIdentity? from = null, byte[]? data = null)
    {
        PeerId by = author?.PeerId ?? demand.Peer;
        return new GossipMessage("/overlay/demand/1/" + demand.Region, by, 1, data ?? demand.Envelope.Encode(), from?.PeerId ?? by, new MessageId([1]));
    }

    internal static Offer Offer(PeerIdentity provider, string region = "DE", ulong price = 50_000, uint maxMbps = 0, DateTimeOffset? now = null) =>
        Overlay.Sessions.Messages.Offer.Create(new ProviderTerms { Region = region, PricePerGiB = price, MaxMbps = maxMbps }, new IdentitySigner(provider), now ?? Now);
}
