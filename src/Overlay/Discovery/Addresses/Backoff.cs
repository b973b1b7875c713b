using Overlay.Transport.Identity;

namespace Overlay.Discovery.Addresses;

/// <summary>When a peer that could not be reached may be tried again. No I/O, no clock; not safe on several threads.</summary>
/// <param name="options">How long.</param>
/// <param name="random">Of what chance decides.</param>
/// <param name="maxCount">Most peers remembered; beyond it the one whose wait is over first is forgotten.</param>
internal sealed class Backoff(BackoffOptions options, Random random, int maxCount)
{
    // Doubling thirty times is beyond any wait that can be set.
    private const int MaxDoublings = 30;

    private readonly Dictionary<PeerId, (int Failures, DateTimeOffset Until)> _waits = [];

    internal int Count => _waits.Count;

    /// <summary>When the peer may be tried again: in the past when it may now.</summary>
    internal DateTimeOffset Until(PeerId peer) => _waits.TryGetValue(peer, out (int Failures, DateTimeOffset Until) wait) ? wait.Until
        : DateTimeOffset.MinValue;

    internal bool IsOver(PeerId peer, DateTimeOffset now) => Until(peer) <= now;

    /// <summary>It could not be reached.</summary>
    /// <returns>How long it is left alone.</returns>
    internal TimeSpan Failed(PeerId peer, DateTimeOffset now, bool isPersistent = false)
    {
        int failures = _waits.TryGetValue(peer, out (int Failures, DateTimeOffset Until) wait) ? wait.Failures : 0;
        TimeSpan longest = isPersistent ? options.LongestPersistent : options.Longest;
        double whole = Math.Min(longest.TotalSeconds, options.Initial.TotalSeconds * Math.Pow(2, Math.Min(failures, MaxDoublings)));
        TimeSpan length = TimeSpan.FromSeconds(whole * (1 - options.Jitter * random.NextDouble()));
        if (_waits.Count >= maxCount && !_waits.ContainsKey(peer)) _waits.Remove(_waits.MinBy(pair => pair.Value.Until).Key);
        _waits[peer] = (failures + 1, now + length);
        return length;
    }

    /// <summary>It was reached, so it may be tried at once.</summary>
    internal void Reached(PeerId peer) => _waits.Remove(peer);
}
