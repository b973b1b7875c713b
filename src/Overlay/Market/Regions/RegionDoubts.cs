using Overlay.Transport.Identity;

namespace Overlay.Market.Regions;

/// <summary>Regions that were found not to be true of a provider, for an hour: a provider chooses from where it tells its offer, and each way shows something
/// else of it. No clock; not safe on several threads.</summary>
/// <param name="capacity">How many providers are remembered; beyond it those doubted longest ago are forgotten.</param>
internal sealed class RegionDoubts(int capacity)
{
    private static readonly TimeSpan s_holds = TimeSpan.FromHours(1);

    private readonly Dictionary<PeerId, (Region Region, string Reason, DateTimeOffset Until)> _known = [];
    private readonly Queue<PeerId> _order = new();

    internal int Count => _known.Count;

    internal void Add(PeerId provider, Region region, string reason, DateTimeOffset now)
    {
        if (!_known.ContainsKey(provider)) _order.Enqueue(provider);
        _known[provider] = (region, reason, now + s_holds);
        while (_order.Count > capacity) _known.Remove(_order.Dequeue());
    }

    /// <summary>What spoke against a region of a provider, in words; null when nothing did of late.</summary>
    internal string? Find(PeerId provider, Region region, DateTimeOffset now) =>
        _known.TryGetValue(provider, out (Region Region, string Reason, DateTimeOffset Until) known) && known.Region == region && now < known.Until
            ? known.Reason : null;
}
