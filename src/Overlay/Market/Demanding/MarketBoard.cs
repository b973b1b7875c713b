using Overlay.Market.Messages;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Sessions.Messages;

namespace Overlay.Market.Demanding;

/// <summary>What is asked and offered by region, as far as this node has heard: what counts is what is still valid. Safe on several threads.</summary>
internal sealed class MarketBoard(MarketLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Digest, Asked> _asked = [];
    private readonly Queue<Digest> _order = new();
    private readonly Dictionary<PublicKey, Offered> _offered = [];
    private readonly Queue<PublicKey> _offerOrder = new();

    /// <summary>Notes a demand; false for one that is known already.</summary>
    internal bool Add(Demand demand, DateTimeOffset now)
    {
        // By this node's clock, however wrong the consumer's is.
        DateTimeOffset until = now + TimeSpan.FromSeconds(Math.Min(demand.NotAfter - (double)now.ToUnixTimeSeconds(), DemandGate.MaxLifetime.TotalSeconds));
        lock (_lock)
        {
            if (!_asked.TryAdd(demand.Id, new Asked(demand.Region, demand.BytesWanted, demand.MaxPricePerGiB, until))) return false;
            _order.Enqueue(demand.Id);
            while (_order.Count > limits.MaxDemands) _asked.Remove(_order.Dequeue());
            return true;
        }
    }

    /// <summary>Notes a provider's newest offer.</summary>
    internal void Add(Offer offer, DateTimeOffset now, AttestedFigures? attested = null)
    {
        DateTimeOffset until = now + TimeSpan.FromSeconds(Math.Clamp(offer.NotAfter - (double)now.ToUnixTimeSeconds(), 0, DemandGate.MaxLifetime.TotalSeconds));
        lock (_lock)
        {
            if (!_offered.ContainsKey(offer.Provider)) _offerOrder.Enqueue(offer.Provider);
            _offered[offer.Provider] = new Offered(offer.Region, offer.PricePerGiB, until, attested);
            while (_offerOrder.Count > limits.MaxProviders) _offered.Remove(_offerOrder.Dequeue());
        }
    }

    /// <summary>Counts a provider's offer no more.</summary>
    internal void Withdraw(PublicKey provider)
    {
        lock (_lock)
        {
            // Its place stays, since it has one in the order.
            if (_offered.TryGetValue(provider, out Offered offered)) _offered[provider] = offered with { Until = DateTimeOffset.MinValue };
        }
    }

    /// <summary>The regions in which something is asked or offered, by code.</summary>
    internal IReadOnlyList<RegionFigures> Snapshot(DateTimeOffset now)
    {
        Asked[] asked;
        Offered[] offered;
        lock (_lock)
        {
            asked = [.. _asked.Values.Where(demand => demand.Until > now)];
            offered = [.. _offered.Values.Where(offer => offer.Until > now)];
        }

        ILookup<string, Asked> demands = asked.ToLookup(demand => demand.Region);
        ILookup<string, Offered> offers = offered.ToLookup(offer => offer.Region);
        return [.. demands.Select(group => group.Key).Union(offers.Select(group => group.Key)).Order(StringComparer.Ordinal).Take(limits.MaxRegions)
            .Select(code => Figures(code, [.. demands[code]], [.. offers[code]]))];
    }

    /// <summary>The highest price that a valid demand would pay which names the region or none, in micro-credits; null without one.</summary>
    internal ulong? HighestAsked(Region region, DateTimeOffset now)
    {
        lock (_lock)
        {
            return _asked.Values.Where(demand => demand.Until > now && (demand.Region == region.Code || demand.Region == Region.Anywhere.Code))
                .Select(demand => (ulong?)demand.MaxPrice).Max();
        }
    }

    /// <summary>The median price of the region's valid offers but one provider's, in micro-credits; null without one.</summary>
    internal ulong? MedianOffered(Region region, PublicKey except, DateTimeOffset now)
    {
        ulong[] prices;
        lock (_lock) prices = [.. _offered.Where(offer => offer.Value.Until > now && offer.Value.Region == region.Code && offer.Key != except).Select(offer => offer.Value.Price).Order()];
        return prices.Length == 0 ? null : prices[(prices.Length - 1) / 2];
    }

    private static RegionFigures Figures(string code, Asked[] asked, Offered[] offered) => new()
    {
        Region = Region.Parse(code),
        DemandCount = asked.Length,
        // Strangers' figures: a sum that cannot be is as large as can be.
        Wanted = new ByteSize((ulong)UInt128.Min(asked.Aggregate(UInt128.Zero, (sum, demand) => sum + demand.Bytes), ulong.MaxValue)),
        // Who takes any price asks no price.
        MedianMaxPricePerGiB = Median([.. asked.Select(demand => demand.MaxPrice).Where(price => price <= Price.ToMicroCredits(Price.Max))]),
        OfferCount = offered.Length,
        MedianPricePerGiB = Median([.. offered.Select(offer => offer.Price)]),
        LowestPricePerGiB = offered.Length == 0 ? null : Price.ToCredits(offered.Min(offer => offer.Price)),
        AttestedCount = offered.Count(offer => offer.Attested is not null),
        MedianUptime = Middle(offered.Select(offer => offer.Attested?.Uptime)),
        MedianRoundTrip = Middle(offered.Select(offer => offer.Attested?.RoundTrip)),
        MedianRateDown = Middle(offered.Select(offer => offer.Attested?.RateDown)),
        MedianRateUp = Middle(offered.Select(offer => offer.Attested?.RateUp)),
    };

    private static T? Middle<T>(IEnumerable<T?> figures)
        where T : struct, IComparable<T>
    {
        T[] known = [.. figures.OfType<T>().Order()];
        return known.Length == 0 ? null : known[(known.Length - 1) / 2];
    }

    // Of an even number the lower middle one: somebody's price, and not one that nobody named.
    private static decimal? Median(ulong[] prices)
    {
        if (prices.Length == 0) return null;
        Array.Sort(prices);
        return Price.ToCredits(prices[(prices.Length - 1) / 2]);
    }

    private readonly record struct Asked(string Region, ulong Bytes, ulong MaxPrice, DateTimeOffset Until);

    private readonly record struct Offered(string Region, ulong Price, DateTimeOffset Until, AttestedFigures? Attested);
}
