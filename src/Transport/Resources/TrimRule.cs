using Overlay.Transport.Connections;

namespace Overlay.Transport.Resources;

/// <summary>What is weighed of a connection when some have to go.</summary>
/// <param name="Index">Its place in the caller's list.</param>
/// <param name="Direction">Who dialled.</param>
/// <param name="Age">How long it has stood.</param>
/// <param name="StreamCount">Open streams.</param>
/// <param name="Value">What its peer is worth, the sum of its tags.</param>
/// <param name="IsProtected">It never goes.</param>
internal readonly record struct TrimCandidate(int Index, Direction Direction, TimeSpan Age, int StreamCount, int Value, bool IsProtected);

/// <summary>Which connections go, and when: a rule without clock or sockets.</summary>
/// <remarks>
/// The order is go-libp2p's connection manager's (value, use, direction), made stricter in one place: among equals the youngest goes first, so that whoever
/// wants to crowd out honest peers has to outlast them. Pressure comes only from connections past their grace; go-libp2p counts all of them.
/// </remarks>
internal sealed class TrimRule
{
    private readonly TrimOptions _options;
    private readonly int _maxNew;

    /// <exception cref="ArgumentException">The marks contradict each other.</exception>
    internal TrimRule(TrimOptions options, int maxConnectionCount)
    {
        _options = options;
        HighWater = options.HighWater ?? Math.Max(1, maxConnectionCount - (maxConnectionCount / 4));
        LowWater = options.LowWater ?? HighWater - (HighWater / 6);
        _maxNew = options.MaxNewConnectionCount ?? Math.Max(1, maxConnectionCount / 4);
        if (LowWater > HighWater)
            throw new ArgumentException($"Trimming.LowWater is {LowWater}; it must not be above Trimming.HighWater, {HighWater}.", nameof(options));
    }

    internal int HighWater { get; }

    internal int LowWater { get; }

    /// <summary>The connections to close, least valuable first; none while fewer than the high-water mark stand past their grace.</summary>
    internal List<TrimCandidate> Choose(IReadOnlyCollection<TrimCandidate> connections)
    {
        List<TrimCandidate> settled = Settled(connections);
        if (settled.Count < HighWater) return [];
        return [.. Ranked(settled).Take(settled.Count - LowWater)];
    }

    /// <summary>The one connection that goes for a newcomer, if any is worth less than the chance of one: see <see cref="WhenFull.ReplaceWorthless"/>.</summary>
    internal TrimCandidate? ChooseWorthless(IReadOnlyCollection<TrimCandidate> connections)
    {
        foreach (TrimCandidate least in Ranked(Settled(connections)))
            if (least is { Value: <= 0, StreamCount: 0, Direction: Direction.Inbound }) return least;
        return null;
    }

    private static IEnumerable<TrimCandidate> Ranked(IEnumerable<TrimCandidate> settled) =>
        settled.Where(c => !c.IsProtected)
            .OrderBy(c => c.Value).ThenBy(c => c.StreamCount > 0).ThenBy(c => c.Direction == Direction.Outbound).ThenBy(c => c.StreamCount).ThenBy(c => c.Age);

    /// <summary>Those past their grace, and of inbound ones still in it the oldest beyond the number that may have it.</summary>
    private List<TrimCandidate> Settled(IReadOnlyCollection<TrimCandidate> connections)
    {
        List<TrimCandidate> settled = [.. connections.Where(c => c.Age >= _options.GracePeriod)];
        settled.AddRange(connections.Where(c => c.Age < _options.GracePeriod && c.Direction == Direction.Inbound).OrderBy(c => c.Age).Skip(_maxNew));
        return settled;
    }
}
