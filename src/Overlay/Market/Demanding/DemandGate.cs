using Overlay.Gossip;
using Overlay.Market.Messages;
using Overlay.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Market.Demanding;

/// <summary>Which demands are heard and passed on: gossip's validator of the topics of demand. No clock.</summary>
/// <remarks>
/// Cheapest first: size and the neighbour's rate before any signature. Rejected, at the neighbour's cost, is what no honest node would pass on: forged, of another topic or author,
/// far out of time. Passed over, at nobody's cost, is what an honest node may have seen otherwise: out of time by a clock that is an hour wrong, or one too many, since whoever has many neighbours hears more than any of them.
/// Safe on several threads.
/// </remarks>
internal sealed class DemandGate(MarketLimits limits)
{
    internal static readonly TimeSpan MaxLifetime = TimeSpan.FromMinutes(10), ClockTolerance = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly RateTable<PeerId> _perNeighbour = new(limits.MaxCounted, limits.DemandBurstPerConnection, limits.DemandsPerMinutePerConnection / 60.0);
    private readonly RateTable<PublicKey> _perKey = new(limits.MaxCounted, limits.DemandBurstPerKey, limits.DemandsPerMinutePerKey / 60.0);

    /// <summary>Judges a message of a region's topic.</summary>
    internal GossipVerdict Judge(Region region, GossipMessage message, DateTimeOffset now, out Demand? demand)
    {
        demand = null;
        if (message.Data.Length > Demand.MaxEnvelopeSize) return GossipVerdict.Reject;
        lock (_lock)
        {
            if (!_perNeighbour.TryTake(message.ReceivedFrom, now)) return GossipVerdict.Ignore;
        }

        if (!Demand.TryOpen(message.Data.Span, out Demand? read) || read.Region != region.Code) return GossipVerdict.Reject;
        if (message.Author is { } author && author != read.Peer) return GossipVerdict.Reject;
        GossipVerdict time = JudgeTime(read, now);
        if (time != GossipVerdict.Accept) return time;
        lock (_lock)
        {
            if (!_perKey.TryTake(read.Consumer, now)) return GossipVerdict.Ignore;
        }

        demand = read;
        return GossipVerdict.Accept;
    }

    private static GossipVerdict JudgeTime(Demand demand, DateTimeOffset now)
    {
        double ahead = demand.NotAfter - (double)now.ToUnixTimeSeconds();
        // Between accepted and rejected lies, on both sides, as much as two clocks may be apart: what one accepts the next never rejects.
        if (ahead < -ClockTolerance.TotalSeconds || ahead > (MaxLifetime + 2 * ClockTolerance).TotalSeconds) return GossipVerdict.Reject;
        return ahead < 0 || ahead > (MaxLifetime + ClockTolerance).TotalSeconds ? GossipVerdict.Ignore : GossipVerdict.Accept;
    }
}
