using Overlay.Market.Choosing;
using Overlay.Market.Reputation;
using Overlay.Proofs;

namespace Overlay.Tests.Market.Reputation;

/// <summary>How the keys of one attacker are related to each other.</summary>
internal enum SybilShape
{
    /// <summary>Two and two.</summary>
    Pairs,

    /// <summary>Each with the next one.</summary>
    Ring,

    /// <summary>All with one hub, which alone has dealt with honest nodes.</summary>
    Star,

    /// <summary>A star whose hub has served those honest nodes well, and now speaks for keys that will cheat.</summary>
    SlowBuild,

    /// <summary>The same after the hub has cheated those whom it served.</summary>
    Cheated,
}

/// <summary>A network of 200 honest nodes, each with some eight counterparties, and one attacker in it. The same for the same numbers.</summary>
internal sealed class SybilAttack
{
    internal const int HonestCount = 200;

    private const int RelationsEach = 4, Observers = 60;

    private readonly ReputationOptions _options = new();
    private readonly List<(PublicKey, PublicKey)> _relations = [];
    private readonly Dictionary<(int Observer, int Peer), ulong> _served = [];
    private readonly HashSet<int> _victims = [];
    private readonly SybilShape _shape;
    private readonly int _edges;
    private readonly int _sybils;

    /// <param name="shape">How the attacker's keys are related.</param>
    /// <param name="edges">Relations between honest nodes and the attacker's keys.</param>
    /// <param name="sybils">The attacker's keys.</param>
    internal SybilAttack(SybilShape shape, int edges, int sybils)
    {
        (_shape, _edges, _sybils) = (shape, edges, sybils);
        var random = new Random(20);
        for (int node = 0; node < HonestCount; node++)
        {
            for (int i = 0; i < RelationsEach; i++)
            {
                int other = random.Next(HonestCount);
                if (other == node) continue;
                _relations.Add((Key(node), Key(other)));
                // Either has used the other, for 64 MiB to 2 GiB.
                _served[(node, other)] = _served[(other, node)] = (ulong)random.Next(64, 2048) << 20;
            }
        }

        for (int i = 0; i < sybils; i++)
        {
            if (shape == SybilShape.Pairs && i % 2 == 0 && i + 1 < sybils) Relate(i, i + 1);
            else if (shape == SybilShape.Ring) Relate(i, (i + 1) % sybils);
            else if (shape >= SybilShape.Star && i > 0) Relate(0, i);
        }

        // The observers first: the worst case is the one that is measured. More relations than that go to all honest nodes in turn, each to a key of its own.
        for (int i = 0; i < edges; i++)
        {
            int victim = edges > Observers ? i % HonestCount : i * (Observers / edges);
            int sybil = shape >= SybilShape.Star ? 0 : edges > Observers ? i : i * (sybils / edges);
            _relations.Add((Key(victim), Sybil(sybil)));
            if (shape < SybilShape.SlowBuild) continue;
            _victims.Add(victim);
            _served[(victim, HonestCount + sybil)] = 2UL << 30;
        }
    }

    /// <summary>What the attacker has of it in the eyes of those for whom it has most.</summary>
    internal (double Gain, double Bound, int Lifted, int AheadOfHonest) Measure()
    {
        (double Gain, double Bound, int Lifted, int AheadOfHonest) worst = default;
        for (int observer = 0; observer < Observers; observer++)
        {
            ReputationGraph graph = Look(observer);
            double[] honest = [.. Enumerable.Range(0, HonestCount).Where(node => node != observer).Select(node => graph.StandingOf(Key(node))).Order()];
            // What the hub has by its own service is its own; what counts is what it makes of it for others.
            double[] sybils = [.. Enumerable.Range(0, _sybils).Where(i => !_served.ContainsKey((observer, HonestCount + i))).Select(i => graph.StandingOf(Sybil(i)))];
            double gain = sybils.Sum(standing => Math.Max(0, standing - ExitCandidate.Newcomer));
            double given = _shape == SybilShape.SlowBuild && _victims.Contains(observer) ? _options.MaxUnits : 0;
            double bound = ReputationRule.OthersWeight * (1.5 * _edges + 0.75 * given);
            Assert.True(gain <= bound + 1e-9, $"{gain} is over {bound} for observer {observer}");
            worst = (
                Math.Max(worst.Gain, gain), Math.Max(worst.Bound, bound), Math.Max(worst.Lifted, sybils.Count(standing => standing > ExitCandidate.Newcomer)),
                Math.Max(worst.AheadOfHonest, sybils.Count(standing => standing > honest[honest.Length / 2])));
        }

        return worst;
    }

    /// <summary>Of the honest nodes that an observer has not dealt with: the share that others' word lifts, and what it lifts all of them by, on average.</summary>
    internal (double Share, double Lift) MeasureHonest()
    {
        double[] lifts = [.. Enumerable.Range(0, Observers).SelectMany(observer =>
        {
            ReputationGraph graph = Look(observer);
            return Enumerable.Range(0, HonestCount).Where(node => node != observer && !_served.ContainsKey((observer, node)))
                .Select(node => graph.StandingOf(Key(node)) - ExitCandidate.Newcomer);
        })];
        return (lifts.Count(lift => lift > 0) / (double)lifts.Length, lifts.Average());
    }

    private ReputationGraph Look(int observer)
    {
        IEnumerable<OwnExperience> own = _served.Where(pair => pair.Key.Observer == observer).Select(pair =>
            new OwnExperience(Key(pair.Key.Peer), pair.Value, _shape == SybilShape.Cheated && pair.Key.Peer >= HonestCount ? 6 : 0));
        return ReputationGraph.Build(Key(observer), own, _relations, new HashSet<PublicKey>(), _options);
    }

    private void Relate(int one, int other) => _relations.Add((Sybil(one), Sybil(other)));

    private static PublicKey Key(int node) => ReputationGraphTests.Key(node);

    private static PublicKey Sybil(int i) => Key(HonestCount + i);
}
