using Overlay.Transport.Identity;

namespace Overlay.Discovery.Reachability;

/// <summary>What servers found when they dialled this node's addresses, and what is to be asked next. No I/O, no clock; not safe on several threads.</summary>
internal sealed class ReachabilityState(ReachabilityOptions options)
{
    private const int MaxResultCount = 32;

    private readonly Dictionary<Multiaddr, Candidate> _candidates = [];

    /// <summary>These are the addresses now; what was found of others is forgotten.</summary>
    internal void SetCandidates(IReadOnlyList<Multiaddr> addresses)
    {
        Multiaddr[] wanted = [.. addresses.Distinct().Take(options.MaxCandidateCount)];
        foreach (Multiaddr gone in _candidates.Keys.Except(wanted).ToList()) _candidates.Remove(gone);
        foreach (Multiaddr address in wanted) _candidates.TryAdd(address, new Candidate());
    }

    /// <summary>The addresses to ask a server of a group about, the most urgent first; none when it has nothing new to say.</summary>
    internal IReadOnlyList<Multiaddr> ToAsk(string group, DateTimeOffset now)
    {
        Multiaddr[] urgent =
        [
            .. _candidates.Where(pair => IsOpen(pair.Value, group, now)).OrderBy(pair => Judge(pair.Value, now) is null ? 0 : 1)
                .ThenBy(pair => pair.Value.LastAsked)
                .Select(pair => pair.Key),
        ];
        if (urgent.Length > 0) _candidates[urgent[0]].LastAsked = now;
        return urgent;
    }

    /// <summary>A server has tried an address.</summary>
    /// <param name="address">Which.</param>
    /// <param name="group">The server's IP group; its newest word counts.</param>
    /// <param name="reached">Whether it got through.</param>
    /// <param name="now">The time.</param>
    internal void Add(Multiaddr address, string group, bool reached, DateTimeOffset now)
    {
        if (!_candidates.TryGetValue(address, out Candidate? candidate)) return;
        if (candidate.Results.Count >= MaxResultCount
            && !candidate.Results.ContainsKey(group)) candidate.Results.Remove(candidate.Results.MinBy(pair => pair.Value.At).Key);
        candidate.Results[group] = (reached, now);
    }

    internal ReachabilityReport Report(DateTimeOffset now)
    {
        Multiaddr[] confirmed = [.. _candidates.Where(pair => Judge(pair.Value, now) == true).Select(pair => pair.Key)];
        bool allFailed = _candidates.Count > 0 && _candidates.Values.All(candidate => Judge(candidate, now) == false);
        ReachabilityVerdict verdict = confirmed.Length > 0 ? ReachabilityVerdict.Public : allFailed ? ReachabilityVerdict.Private : ReachabilityVerdict.Unknown;
        return new ReachabilityReport(verdict, confirmed, [.. _candidates.Keys]);
    }

    private bool IsOpen(Candidate candidate, string group, DateTimeOffset now) =>
        !candidate.Results.TryGetValue(group, out (bool Reached, DateTimeOffset At) result) || now - result.At >= options.RecheckInterval;

    // Enough, and more than say otherwise: a few broken servers decide nothing.
    private bool? Judge(Candidate candidate, DateTimeOffset now)
    {
        (bool Reached, DateTimeOffset At)[] fresh = [.. candidate.Results.Values.Where(result => now - result.At < 2 * options.RecheckInterval)];
        int reached = fresh.Count(result => result.Reached), failed = fresh.Length - reached;
        if (reached >= options.MinConfirmations && reached > failed) return true;
        if (failed >= options.MinConfirmations && failed > reached) return false;
        return null;
    }

    private sealed class Candidate
    {
        internal Dictionary<string, (bool Reached, DateTimeOffset At)> Results { get; } = [];

        internal DateTimeOffset LastAsked { get; set; } = DateTimeOffset.MinValue;
    }
}
