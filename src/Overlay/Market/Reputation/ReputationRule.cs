using Overlay.Market.Choosing;

namespace Overlay.Market.Reputation;

/// <summary>How a node's own experience of a provider and others' word of it become one standing.</summary>
/// <remarks>
/// <code>
/// start    = 0.5 + 0.2 × word                            word from −1 to 1; 0 where there is none
/// served   = bytes ÷ (bytes + 256 MiB)
/// standing = (start + (1 − start) × served) × ½^failures
/// </code>
/// Others decide where a newcomer begins, between 0.3 and 0.7, and no more: with each byte served their part becomes smaller, and a failure halves what they gave as it halves the rest.
/// </remarks>
internal static class ReputationRule
{
    /// <summary>What others' word moves a newcomer by at most, up or down.</summary>
    internal const double OthersWeight = 0.2;

    // Bytes served after which a standing has gone half of the way up.
    private const double HalfTrust = 256 << 20;

    /// <summary>The standing, from 0 to 1.</summary>
    /// <param name="served">Bytes that the provider has served this node.</param>
    /// <param name="failures">How often it has failed this node.</param>
    /// <param name="word">Others' word, from −1 to 1; what is beyond counts as the nearest of them. Null for none.</param>
    internal static double StandingOf(ulong served, int failures, double? word)
    {
        double start = ExitCandidate.Newcomer + OthersWeight * Math.Clamp(word ?? 0, -1, 1);
        return (start + (1 - start) * (served / (served + HalfTrust))) * Math.Pow(0.5, failures);
    }
}
