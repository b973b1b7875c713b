namespace Overlay.Market.Choosing;

/// <summary>The ranking that is used unless another is given: price, latency, rate, witnesses, standing and spread, each as a cost, the least sum
/// first.</summary>
/// <remarks>
/// <code>
/// price      price ÷ median price of the candidates            1 where all cost alike; 0 for a gift
/// latency    round trip ÷ 100 ms, 2 where unknown              measured if it is, else what witnesses saw, at most 2
/// rate       20 Mbit/s ÷ rate, at most 4, 1 where unknown      measured if it is, else half of what is offered, or what witnesses saw if that is better
/// witnesses  0.5 × (1 − attested uptime), 0.5 without
/// standing   4 × (1 − standing)
/// spread     0.5 for each session of another name there
/// </code>
/// The terms are of one size where it matters: 100 ms weigh as much as the usual price, and a newcomer must be cheaper or nearer by two of them than somebody who has served long.
/// Witnesses are strangers, and a provider chooses what to show of them: to show something never costs more than to show nothing, and it is worth little.
/// </remarks>
public sealed class ExitRanking : IExitRanking
{
    private const double UsualRate = 20e6, MaxRateCost = 4, UnknownLatency = 2, StandingWeight = 4, SpreadWeight = 0.5, WitnessWeight = 0.5;

    private static readonly TimeSpan s_usualRoundTrip = TimeSpan.FromMilliseconds(100);

    /// <summary>The one instance; it keeps nothing.</summary>
    public static ExitRanking Default { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<ExitCandidate> Rank(ExitWish wish, IReadOnlyList<ExitCandidate> candidates)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        if (candidates.Count == 0) return [];
        decimal[] prices = [.. candidates.Select(candidate => candidate.PricePerGiB).Order()];
        decimal median = prices[(prices.Length - 1) / 2];
        return [.. candidates.OrderBy(candidate => Cost(candidate, median)).ThenBy(candidate => candidate.Provider)];
    }

    private static double Cost(ExitCandidate candidate, decimal median)
    {
        // Where the median gives it away, whoever asks for something is dear.
        double price = candidate.PricePerGiB == 0 ? 0 : median == 0 ? 2 : (double)Math.Min(candidate.PricePerGiB / median, 1000m);
        double latency = candidate.Latency is { } roundTrip ? roundTrip / s_usualRoundTrip
            : candidate.Attested?.RoundTrip is { } seen ? Math.Min(seen / s_usualRoundTrip, UnknownLatency) : UnknownLatency;
        double claimed = candidate.OfferedRate is { } offered ? RateCost(offered.BitsPerSecond / 2.0) : 1;
        double rate = candidate.MeasuredRate is { } measured ? RateCost(measured.BitsPerSecond)
            : candidate.Attested?.RateDown is { } attested ? Math.Min(RateCost(attested.BitsPerSecond), claimed) : claimed;
        double witnesses = WitnessWeight * (1 - Math.Clamp(candidate.Attested?.Uptime ?? 0, 0, 1));
        return price + latency + rate + witnesses + StandingWeight * (1 - candidate.Standing) + SpreadWeight * candidate.UsedBy;
    }

    private static double RateCost(double bitsPerSecond) => Math.Min(UsualRate / Math.Max(bitsPerSecond, 1), MaxRateCost);
}
