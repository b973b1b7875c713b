using Overlay.Market.Choosing;
using Overlay.Market.Reputation;
using Overlay.Market.Witnessing;
using Overlay.Sessions.Messages;
using Overlay.Transport.Identity;

namespace Overlay.Market.Buying;

/// <summary>What a consumer knows of providers: their newest offers, and how they did. No clock; not safe on several threads.</summary>
/// <param name="options">Rests, ranking and limits.</param>
/// <param name="wordOf">Others' word of a provider, from −1 to 1, or null where there is none. Null when nobody is asked.</param>
internal sealed class ProviderBook(MarketOptions options, Func<PeerId, double?>? wordOf = null)
{
    private static readonly TimeSpan s_longestRest = TimeSpan.FromHours(1), s_ban = TimeSpan.FromHours(24);

    // Less than the 2 min for which providers make offers by default, so that there is time to open a session.
    private static readonly TimeSpan s_offerHolds = TimeSpan.FromSeconds(90);

    private readonly Dictionary<PeerId, Entry> _entries = [];

    internal int Count => _entries.Count;

    /// <summary>Notes a provider's offer and where it is.</summary>
    internal void Put(PeerId provider, IReadOnlyList<Multiaddr> addresses, Offer offer, TimeSpan? latency, DateTimeOffset now, AttestedFigures? attested = null)
    {
        Entry entry = Get(provider, now);
        entry.Addresses = addresses;
        entry.Offer = offer;
        entry.IsWithdrawn = false;
        entry.Region = Region.Parse(offer.Region);
        entry.PricePerGiB = offer.PricePerGiB;
        entry.OfferedRate = offer.MaxMbps == 0 ? null : BitRate.FromMegabits(offer.MaxMbps);
        // By this node's clock, however wrong the provider's is: a session that comes too late for it asks for another offer.
        entry.OfferedUntil = now + s_offerHolds;
        if (latency is not null) entry.Latency = latency;
        if (attested is not null) entry.Attested = attested;
    }

    /// <summary>Takes a provider's offer for none, until it makes another.</summary>
    internal void Withdraw(PeerId provider)
    {
        if (_entries.TryGetValue(provider, out Entry? entry)) entry.IsWithdrawn = true;
    }

    /// <summary>Those that fit a wish and may be used now, best first.</summary>
    internal IReadOnlyList<ExitCandidate> Find(ExitWish wish, IReadOnlySet<PeerId> tried, DateTimeOffset now)
    {
        ExitCandidate[] fit = [.. _entries.Values.Where(entry => !tried.Contains(entry.Peer) && IsGood(entry, wish, now)).Select(ToCandidate)];
        return (options.Ranking ?? ExitRanking.Default).Rank(wish, fit);
    }

    internal Exit? ExitOf(PeerId provider) => _entries.TryGetValue(provider, out Entry? entry) ? new Exit(provider, entry.Addresses, entry.Offer) : null;

    internal IReadOnlyList<Exit> Known() =>
        [.. _entries.Values.Where(entry => entry.Addresses.Count > 0).Select(entry => new Exit(entry.Peer, entry.Addresses, null))];

    internal bool IsGood(PeerId provider, ExitWish wish, DateTimeOffset now) =>
        _entries.TryGetValue(provider, out Entry? entry) && !entry.IsWithdrawn && now >= entry.RestUntil && !IsTooSlow(entry, wish, now);

    /// <summary>Whether it makes sense to ask a provider for its terms: not while it rests, nor while its last offer holds.</summary>
    internal bool ShouldAsk(PeerId provider, DateTimeOffset now) =>
        !_entries.TryGetValue(provider, out Entry? entry) || (now >= entry.RestUntil && now >= entry.OfferedUntil);

    internal void Use(PeerId provider, int change)
    {
        if (_entries.TryGetValue(provider, out Entry? entry)) entry.UsedBy = Math.Max(0, entry.UsedBy + change);
    }

    internal void Opened(PeerId provider, ulong pricePerGiB, DateTimeOffset now)
    {
        Entry entry = Get(provider, now);
        entry.PricePerGiB = pricePerGiB;
        entry.UsedAt = now;
        // It serves again: what had kept it from that is over.
        if (!entry.HasBrokenItsWord) entry.RestUntil = default;
    }

    internal void Served(PeerId provider, ulong bytes, BitRate rate, DateTimeOffset now)
    {
        Entry entry = Get(provider, now);
        entry.UsedAt = now;
        entry.Served += bytes;
        entry.Failures = 0;
        if (bytes < WorthRating) return;
        // The best of the last while: what one second carries, client and target have their part in.
        if (entry.Rate is not { } known || rate > known || now - entry.RatedAt > s_rateHolds) entry.Rate = rate;
        entry.Rated += bytes;
        entry.RatedAt = now;
    }

    internal void Failed(PeerId provider, bool brokeItsWord, DateTimeOffset now)
    {
        Entry entry = Get(provider, now);
        entry.Failures = Math.Min(entry.Failures + 1, 20);
        if (brokeItsWord)
        {
            entry.HasBrokenItsWord = true;
            entry.RestUntil = now + s_ban;
            return;
        }

        TimeSpan rest = options.ProviderRest * Math.Pow(2, entry.Failures - 1);
        entry.RestUntil = now + (rest < s_longestRest ? rest : s_longestRest);
    }

    private static ulong MaxPriceOf(ExitWish wish) => wish.MaxPricePerGiB is { } max ? Price.ToMicroCredits(max) : long.MaxValue;

    private static bool IsGood(Entry entry, ExitWish wish, DateTimeOffset now) =>
        !entry.IsWithdrawn && now >= entry.RestUntil && now < entry.OfferedUntil && !IsTooSlow(entry, wish, now)
        && (wish.Region == Region.Anywhere || entry.Region == wish.Region) && entry.PricePerGiB <= MaxPriceOf(wish)
        && (wish.Provider is null || wish.Provider == entry.Peer)
        && (wish.MinRate is not { } least || entry.OfferedRate is not { } offered || offered >= least);

    // Half: what one second shows is no more than a hint, and the target has its part in it.
    private static bool IsTooSlow(Entry entry, ExitWish wish, DateTimeOffset now) =>
        wish.MinRate is { } least && entry.Rate is { } rate && entry.Rated >= SlowAfter && now - entry.RatedAt <= s_rateHolds && rate.BitsPerSecond < least.BitsPerSecond / 2;

    // A second that carries less is one in which little was asked for.
    private const ulong WorthRating = 32 << 10;

    // A line that was slow may be so no more.
    private static readonly TimeSpan s_rateHolds = TimeSpan.FromMinutes(10);

    // A rate says something once this much has been served: the credit window with which every session begins.
    private const ulong SlowAfter = (ulong)Sessions.CreditWindowRule.Smallest;

    private ExitCandidate ToCandidate(Entry entry) => new()
    {
        Provider = entry.Peer,
        Region = entry.Region,
        PricePerGiB = Price.ToCredits(entry.PricePerGiB),
        OfferedRate = entry.OfferedRate,
        Latency = entry.Latency,
        MeasuredRate = entry.Rate,
        Attested = entry.Attested,
        Standing = entry.HasBrokenItsWord ? 0 : ReputationRule.StandingOf(entry.Served, entry.Failures, wordOf?.Invoke(entry.Peer)),
        UsedBy = entry.UsedBy,
    };

    private Entry Get(PeerId provider, DateTimeOffset now)
    {
        if (_entries.TryGetValue(provider, out Entry? entry)) return entry;
        // Whoever broke its word stays in memory as long as there is anybody else to forget.
        if (_entries.Count >= options.Limits.MaxProviders)
            _entries.Remove(_entries.Values.OrderBy(old => old.UsedBy > 0).ThenBy(old => old.HasBrokenItsWord && now < old.RestUntil).ThenBy(old => old.Served > 0).ThenBy(old => old.UsedAt).First().Peer);
        _entries.Add(provider, entry = new Entry(provider) { UsedAt = now });
        return entry;
    }

    private sealed class Entry(PeerId peer)
    {
        internal PeerId Peer => peer;

        internal IReadOnlyList<Multiaddr> Addresses { get; set; } = [];

        internal Offer? Offer { get; set; }

        internal bool IsWithdrawn { get; set; }

        internal Region Region { get; set; }

        internal ulong PricePerGiB { get; set; }

        internal BitRate? OfferedRate { get; set; }

        internal DateTimeOffset OfferedUntil { get; set; }

        internal TimeSpan? Latency { get; set; }

        internal BitRate? Rate { get; set; }

        internal AttestedFigures? Attested { get; set; }

        internal ulong Served { get; set; }

        internal ulong Rated { get; set; }

        internal DateTimeOffset RatedAt { get; set; }

        internal int Failures { get; set; }

        internal bool HasBrokenItsWord { get; set; }

        internal DateTimeOffset RestUntil { get; set; }

        internal DateTimeOffset UsedAt { get; set; }

        internal int UsedBy { get; set; }
    }
}
