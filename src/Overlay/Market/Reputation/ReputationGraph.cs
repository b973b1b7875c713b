using Overlay.Market.Choosing;
using Overlay.Proofs;

namespace Overlay.Market.Reputation;

/// <summary>What a node's acquaintances, and theirs, are worth as a word for others. Immutable; no clock, no network.</summary>
/// <remarks>
/// Word flows outwards from this node, who is the only one that it trusts, and is divided on the way. In units, with d = <see cref="ReputationOptions.PassedOn"/>:
/// <code>
/// hop 1      given(a)   = min(MaxUnits, bytes that a served this node ÷ UnitBytes) × ½^failures(a)
/// hop h + 1  step(u, v) = min(d × (given(u) − what u has from v) ÷ relations of u, what is left of 1)
///            given(v)   = Σ step(u, v)
/// word       w(v)       = Σ given(v) over hops 2 and 3; under 1/16 it is nothing
///            word(v)    = w ÷ (w + 1)                    −1 for who has forked its ledger
/// </code>
/// A relation between two others carries one unit each way in all, whatever they say they have traded: what that was cannot be seen, and between two keys of one owner it costs nothing.
/// Since word is divided and not copied, any set S of keys, however many, gets at most
/// <code>
/// Σ w(v) ≤ (1 + d) × relations from outside into S + d × (1 + d) × what this node itself has given members of S
/// </code>
/// That is the capacity of the cut around S, which also bounds a maximal flow. A maximal flow to each provider by itself would give every member of S the whole of it again.
/// Nobody's word comes back to itself, and this node's own relations are no word: of those it has dealt with it knows more.
/// </remarks>
internal sealed class ReputationGraph
{
    // A unit in the whole numbers that flow: the same on every machine.
    private const long Unit = 65_536;

    private readonly Dictionary<PublicKey, int> _index = [];
    private readonly List<OwnExperience> _own = [];
    private readonly List<(int From, int To)> _edges = [];
    private readonly IReadOnlySet<PublicKey> _forked;
    private readonly ReputationOptions _options;
    private long[] _word = [];

    private ReputationGraph(IReadOnlySet<PublicKey> forked, ReputationOptions options)
    {
        _forked = forked;
        _options = options;
    }

    /// <summary>A graph in which nobody is known.</summary>
    internal static ReputationGraph Empty { get; } = new(new HashSet<PublicKey>(), new ReputationOptions());

    /// <summary>Peers in the graph, this node not among them.</summary>
    internal int NodeCount => _index.Count;

    /// <summary>Relations between them.</summary>
    internal int EdgeCount => _edges.Count;

    /// <summary>Makes the graph, and the word of everyone in it, in time that grows with the number of relations given.</summary>
    /// <param name="self">This node.</param>
    /// <param name="own">What it has seen of others itself, each peer once. Beyond <see cref="ReputationOptions.MaxNodes"/> those who served least are left out.</param>
    /// <param name="relations">Pairs of others who have dealt with each other by the signatures of both; the order within a pair, and pairs given twice, say nothing more.
    /// Beyond the limits those that come last are left out.</param>
    /// <param name="forked">Those who have forked their ledgers. Nothing flows to or through them.</param>
    /// <param name="options">Weights and limits.</param>
    internal static ReputationGraph Build(
        PublicKey self, IEnumerable<OwnExperience> own, IEnumerable<(PublicKey, PublicKey)> relations, IReadOnlySet<PublicKey> forked, ReputationOptions options)
    {
        var graph = new ReputationGraph(forked, options);
        foreach (OwnExperience known in own.Where(known => known.Peer != self).OrderByDescending(known => known.Served).ThenBy(known => known.Peer))
        {
            if (!graph.TryGetNode(known.Peer, out int node)) continue;
            // Given twice, the greater counts.
            if (node == graph._own.Count) graph._own.Add(known);
        }

        var seen = new HashSet<(int, int)>();
        foreach ((PublicKey one, PublicKey other) in relations)
        {
            if (graph._edges.Count == options.MaxEdges) break;
            if (one == other || one == self || other == self || !graph.TryGetNode(one, out int from) || !graph.TryGetNode(other, out int to)) continue;
            if (seen.Add((Math.Min(from, to), Math.Max(from, to)))) graph._edges.Add((from, to));
        }

        graph._word = graph.Flow();
        return graph;
    }

    /// <summary>What others' word of a peer is worth: −1 for one that has forked, else 0 to 1; null when nobody who counts says anything.</summary>
    internal double? WordOf(PublicKey peer)
    {
        if (_forked.Contains(peer)) return -1;
        if (!_index.TryGetValue(peer, out int node) || _word[node] < Unit / _options.LeastWord) return null;
        double units = _word[node] / (double)Unit;
        return units / (units + 1);
    }

    /// <summary>How far a provider is trusted, by what this graph knows: 0 for one that has forked, else as <see cref="ReputationRule"/> says; <see cref="ExitCandidate.Newcomer"/> for a stranger.</summary>
    internal double StandingOf(PublicKey provider)
    {
        if (_forked.Contains(provider)) return 0;
        OwnExperience own = _index.TryGetValue(provider, out int node) && node < _own.Count ? _own[node] : default;
        return ReputationRule.StandingOf(own.Served, own.Failures, WordOf(provider));
    }

    // Own acquaintances come first, so that their numbers are also their places among what this node has seen.
    private bool TryGetNode(PublicKey peer, out int node)
    {
        if (_index.TryGetValue(peer, out node)) return true;
        if (_index.Count == _options.MaxNodes || _forked.Contains(peer)) return false;
        _index.Add(peer, node = _index.Count);
        return true;
    }

    private long[] Flow()
    {
        checked
        {
            long[] word = new long[_index.Count], given = new long[_index.Count];
            int[] relations = new int[_index.Count];
            for (int i = 0; i < _own.Count; i++) given[i] = CreditOf(_own[i]);
            foreach ((int from, int to) in _edges)
            {
                relations[from]++;
                relations[to]++;
            }

            // Of each relation first the step from the one to the other, then the step back.
            long[] carried = new long[2 * _edges.Count], last = new long[2 * _edges.Count];
            for (int hop = 2; hop <= _options.Hops; hop++)
            {
                long[] next = new long[_index.Count], steps = new long[2 * _edges.Count];
                for (int i = 0; i < steps.Length; i++)
                {
                    (int from, int to) = i % 2 == 0 ? _edges[i / 2] : (_edges[i / 2].To, _edges[i / 2].From);
                    long passed = (given[from] - last[i ^ 1]) * _options.PassedOn / 100;
                    steps[i] = Math.Min(passed / relations[from], Unit - carried[i]);
                    carried[i] += steps[i];
                    next[to] += steps[i];
                    word[to] += steps[i];
                }

                (given, last) = (next, steps);
            }

            return word;
        }
    }

    private long CreditOf(OwnExperience own)
    {
        UInt128 most = (UInt128)_options.MaxUnits * (UInt128)Unit, credit = (UInt128)own.Served * (UInt128)Unit / (UInt128)_options.UnitBytes;
        return (long)UInt128.Min(most, credit) >> Math.Clamp(own.Failures, 0, 63);
    }
}
