namespace Overlay.Discovery.Kademlia.Tables;

/// <summary>What a peer did that no honest one does, or seldom.</summary>
internal enum Misdeed
{
    /// <summary>Bytes that are no message, or a message over its limits.</summary>
    Malformed = 1,

    /// <summary>A record of another key than was asked for.</summary>
    UnaskedKey,

    /// <summary>A record that its validator refuses.</summary>
    InvalidRecord,

    /// <summary>Nothing but peers farther from the target than itself, where nearer ones are plentiful.</summary>
    DistantPeers,

    /// <summary>Peers none of which answered.</summary>
    DeadPeers,
}

/// <summary>How far peers are trusted after what they did: used less at first, then not at all; forgiven with time. Of bounded size.</summary>
internal sealed class PeerStandings
{
    internal const int MaxCount = 4096;

    // Points from which a peer is asked only where others lack, and from which it is not asked or told of. A cleanly invented record costs its sender
    // its place at the third; answers that an unlucky honest peer may give now and then weigh little beside their decay.
    private const double Doubtful = 4, Shunned = 10;

    private static readonly TimeSpan s_halfLife = TimeSpan.FromMinutes(10);

    private readonly Dictionary<Key, (double Points, TimeSpan At)> _standings = [];
    private readonly long[] _counts = new long[(int)Misdeed.DeadPeers + 1];

    internal int Count => _standings.Count;

    /// <summary>How many of a kind were noted, of all peers.</summary>
    internal long CountOf(Misdeed misdeed) => _counts[(int)misdeed];

    /// <summary>Notes a misdeed.</summary>
    /// <returns>Whether the peer is shunned from now on.</returns>
    internal bool Note(in Key peer, Misdeed misdeed, TimeSpan now)
    {
        _counts[(int)misdeed]++;
        double points = PointsOf(peer, now) + (misdeed switch
        {
            Misdeed.Malformed or Misdeed.UnaskedKey => 4,
            Misdeed.InvalidRecord => 4,
            Misdeed.DistantPeers => 1,
            _ => 2,
        });
        if (_standings.Count >= MaxCount && !_standings.ContainsKey(peer)) ForgetLeast(now);
        _standings[peer] = (points, now);
        return points >= Shunned;
    }

    internal bool IsShunned(in Key peer, TimeSpan now) => _standings.Count != 0 && PointsOf(peer, now) >= Shunned;

    internal bool IsDoubtful(in Key peer, TimeSpan now) => _standings.Count != 0 && PointsOf(peer, now) >= Doubtful;

    private double PointsOf(in Key peer, TimeSpan now) =>
        _standings.TryGetValue(peer, out (double Points, TimeSpan At) standing) ? Decayed(standing, now) : 0;

    private static double Decayed((double Points, TimeSpan At) standing, TimeSpan now) => standing.Points * double.Exp2(-((now - standing.At) / s_halfLife));

    private void ForgetLeast(TimeSpan now)
    {
        Key least = default;
        double fewest = double.PositiveInfinity;
        foreach ((Key peer, (double Points, TimeSpan At) standing) in _standings)
        {
            double points = Decayed(standing, now);
            if (points >= fewest) continue;
            fewest = points;
            least = peer;
        }

        _standings.Remove(least);
    }
}
