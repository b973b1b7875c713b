using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Market.Demanding;
using Overlay.Market.Messages;

namespace Overlay.Market.Selling;

/// <summary>How many demands a provider answers: in all, and to the addresses of each network, for anybody can name anybody's. No clock; safe on several threads.</summary>
/// <param name="limits">The rates.</param>
/// <param name="isIsolated">Whether the network is one where all addresses are as good as the next: only the whole is limited.</param>
internal sealed class AnswerRate(MarketLimits limits, bool isIsolated)
{
    private readonly Lock _lock = new();
    private readonly RateLimit _all = new(limits.AnswerBurst, limits.AnswersPerMinute / 60.0);
    private readonly RateTable<AddressGroup> _perNetwork = new(limits.MaxCounted, limits.AnswerBurstPerNetwork, limits.AnswersPerMinutePerNetwork / 60.0);

    /// <summary>Counts an answer to a demand; false when that is one too many.</summary>
    internal bool TryTake(Demand demand, DateTimeOffset now)
    {
        lock (_lock)
        {
            if (!isIsolated)
            {
                // Names are one network: what they lead to is not known yet.
                foreach (AddressGroup network in demand.ReplyAddresses.Select(address => address.HostAddress is { } ip ? AddressGroup.Of(ip) : default).Distinct())
                    if (!_perNetwork.TryTake(network, now)) return false;
            }

            return _all.TryTake(now);
        }
    }
}
