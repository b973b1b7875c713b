using System.Buffers.Binary;
using CsCheck;
using Overlay.Market.Choosing;
using Overlay.Market.Reputation;
using Overlay.Proofs;

namespace Overlay.Tests.Market.Reputation;

public sealed class ReputationGraphTests
{
    private const ulong Unit = 64 << 20;

    private static readonly ReputationOptions s_options = new();

    [Fact]
    public void Stranger_NobodySaysAnything_IsANewcomer()
    {
        ReputationGraph graph = Build([Own(1, Unit)], [(1, 2)]);
        Assert.Null(graph.WordOf(Key(9)));
        Assert.Equal(ExitCandidate.Newcomer, graph.StandingOf(Key(9)));
        Assert.Equal(ExitCandidate.Newcomer, ReputationGraph.Empty.StandingOf(Key(1)));
    }

    [Fact]
    public void Word_GoesTwoStepsFurtherAndIsDividedOnTheWay()
    {
        // 16 units; half goes on, a relation carries one of them; of that half again, over two relations.
        ReputationGraph graph = Build([Own(1, 16 * Unit)], [(1, 2), (2, 3), (3, 4)]);
        AssertUnits(1, graph, 2);
        AssertUnits(0.25, graph, 3);
        AssertUnits(0, graph, 4);
        Assert.Equal(0.6, graph.StandingOf(Key(2)), 9);
    }

    [Fact]
    public void Word_OfOneAcquaintance_IsSharedByAllItKnows()
    {
        ReputationGraph graph = Build([Own(1, 2 * Unit)], [(1, 2), (1, 3), (1, 4), (1, 5)]);
        for (int peer = 2; peer <= 5; peer++) AssertUnits(0.25, graph, peer);
        // Under a sixteenth it is nothing, for any of them.
        graph = Build([Own(1, 2 * Unit)], [.. Enumerable.Range(2, 17).Select(peer => (1, peer))]);
        Assert.All(Enumerable.Range(2, 17), peer => AssertUnits(0, graph, peer));
    }

    [Fact]
    public void Word_OfSeveral_AddsUp()
    {
        ReputationGraph graph = Build([Own(1, 4 * Unit), Own(2, 4 * Unit), Own(3, 4 * Unit)], [(1, 9), (2, 9), (3, 9)]);
        AssertUnits(3, graph, 9);
        Assert.Equal(0.65, graph.StandingOf(Key(9)), 9);
    }

    [Fact]
    public void Word_NeverComesBackToWhoeverGaveIt()
    {
        ReputationGraph graph = Build([Own(1, 16 * Unit)], [(1, 2), (2, 1)]);
        AssertUnits(0, graph, 1);
        Assert.Equal(1, graph.EdgeCount);
        // Acquaintances do speak for each other.
        graph = Build([Own(1, 16 * Unit), Own(2, 1)], [(1, 2)]);
        AssertUnits(1, graph, 2);
    }

    [Fact]
    public void Word_ThroughOneRelation_IsOneUnitInAll()
    {
        // What 1 gives reaches 3 by 2 at once, and again one step later, when 4 has told 2.
        ReputationGraph graph = Build([Own(2, 16 * Unit), Own(4, 16 * Unit)], [(2, 3), (2, 4)]);
        AssertUnits(1, graph, 3);
    }

    [Fact]
    public void Credit_HasACeiling()
    {
        (int, int)[] relations = [.. Enumerable.Range(2, 12).Select(peer => (1, peer))];
        ReputationGraph most = Build([Own(1, 16 * Unit)], relations), more = Build([Own(1, ulong.MaxValue)], relations);
        AssertUnits(8 / 12.0, most, 2);
        AssertUnits(8 / 12.0, more, 2);
        Assert.InRange(more.StandingOf(Key(1)), 0.99, 1);
    }

    [Fact]
    public void Failures_HalveTheStandingAndTheWord()
    {
        (int, int)[] relations = [(1, 2), (1, 3)];
        AssertUnits(1, Build([Own(1, 4 * Unit)], relations), 2);
        ReputationGraph graph = Build([Own(1, 4 * Unit) with { Failures = 2 }], relations);
        AssertUnits(0.25, graph, 2);
        Assert.Equal(0.25 * (0.5 + 0.5 * 0.5), graph.StandingOf(Key(1)), 9);
        AssertUnits(0, Build([Own(1, 4 * Unit) with { Failures = int.MaxValue }], relations), 2);
    }

    [Fact]
    public void WhoHasForked_StandsAtZeroAndSpeaksForNobody()
    {
        ReputationGraph graph = Build([Own(1, 16 * Unit), Own(2, 16 * Unit)], [(1, 3), (2, 4), (4, 5)], 1, 4, 77);
        foreach (int forked in new[] { 1, 4, 77 })
        {
            Assert.Equal(-1, graph.WordOf(Key(forked)));
            Assert.Equal(0, graph.StandingOf(Key(forked)));
        }

        AssertUnits(0, graph, 3);
        AssertUnits(0, graph, 5);
    }

    [Fact]
    public void Limits_KeepThoseWhoServedMostAndTheRelationsThatComeFirst()
    {
        ReputationOptions small = s_options with { MaxNodes = 16, MaxEdges = 5 };
        ReputationGraph graph = ReputationGraph.Build(
            Key(0), Enumerable.Range(1, 40).Select(peer => Own(peer, (ulong)peer * Unit)), [.. Enumerable.Range(25, 15).Select(peer => (Key(peer), Key(peer + 1)))], new HashSet<PublicKey>(), small);
        Assert.Equal(16, graph.NodeCount);
        Assert.Equal(5, graph.EdgeCount);
        Assert.Equal(ExitCandidate.Newcomer, graph.StandingOf(Key(24)));
        Assert.True(graph.StandingOf(Key(25)) > ExitCandidate.Newcomer);
        AssertUnits(1, graph, 25);
        AssertUnits(0, graph, 31);

        // A flood of strangers finds no room before acquaintances.
        graph = ReputationGraph.Build(Key(0), [Own(1, 16 * Unit)], Enumerable.Range(2, 100_000).Select(peer => (Key(1), Key(peer))), new HashSet<PublicKey>(), s_options);
        Assert.Equal(4096, graph.NodeCount);
    }

    [Fact]
    public void SelfAndLoops_AreNoRelations()
    {
        ReputationGraph graph = Build([Own(0, Unit), Own(1, 16 * Unit)], [(0, 1), (1, 1), (0, 2), (2, 0)]);
        Assert.Equal((1, 0), (graph.NodeCount, graph.EdgeCount));
        Assert.Equal(ExitCandidate.Newcomer, graph.StandingOf(Key(0)));
    }

    [Fact]
    public void Hops_OneMeansNobodysWord() =>
        Assert.Null(ReputationGraph.Build(Key(0), [Own(1, 16 * Unit)], [(Key(1), Key(2))], new HashSet<PublicKey>(), s_options with { Hops = 1 }).WordOf(Key(2)));

    // The bound in the remarks of ReputationGraph, for any graph and any set of keys.
    [Fact]
    public void AnySetOfKeys_GetsNoMoreThanTheCutAroundIt() =>
        Gen.Select(Gen.Select(Gen.Int[1, 30], Gen.Int[1, 30]).Array[0, 120], Gen.Select(Gen.Int[1, 30], Gen.ULong[0, 40 * Unit]).Array[0, 12], Gen.Int[1, 30])
            .Sample((relations, own, first) =>
            {
                OwnExperience[] acquaintances = [.. own.DistinctBy(known => known.Item1).Select(known => Own(known.Item1, known.Item2))];
                ReputationGraph graph = Build(acquaintances, relations);
                (int, int)[] different = [.. relations.Where(pair => pair.Item1 != pair.Item2).Select(pair => (Math.Min(pair.Item1, pair.Item2), Math.Max(pair.Item1, pair.Item2))).Distinct()];
                int cut = different.Count(pair => pair.Item1 < first && pair.Item2 >= first);
                double given = acquaintances.Where(known => known.Peer >= Key(first)).Sum(known => Math.Min(16, known.Served / (double)Unit));
                double got = Enumerable.Range(first, 31 - first).Sum(peer => Units(graph, peer));
                return got <= 1.5 * cut + 0.75 * given + 1e-6;
            });

    [Fact]
    public void Relations_InAnyOrder_GiveTheSame() =>
        Gen.Select(Gen.Select(Gen.Int[1, 20], Gen.Int[1, 20]).Array[0, 60], Gen.Int).Sample((relations, seed) =>
        {
            (int, int)[] shuffled = [.. relations.Select(pair => (pair.Item2, pair.Item1))];
            new Random(seed).Shuffle(shuffled);
            OwnExperience[] own = [Own(1, 5 * Unit), Own(2, 3 * Unit), Own(3, Unit)];
            ReputationGraph one = Build(own, relations), other = Build(own, shuffled);
            return Enumerable.Range(1, 20).All(peer => one.WordOf(Key(peer)) == other.WordOf(Key(peer)));
        });

    [Fact]
    public void Rule_OthersMoveANewcomerByAFifthAtMostAndExperienceOutweighsThem()
    {
        Assert.Equal(0.5, ReputationRule.StandingOf(0, 0, null));
        Assert.Equal(0.7, ReputationRule.StandingOf(0, 0, 1), 9);
        Assert.Equal(0.7, ReputationRule.StandingOf(0, 0, 1e9), 9);
        Assert.Equal(0.3, ReputationRule.StandingOf(0, 0, -1), 9);
        // Whoever has served 1 GiB stands above any stranger, and whoever has failed twice below it.
        Assert.True(ReputationRule.StandingOf(1 << 30, 0, null) > 0.7);
        Assert.True(ReputationRule.StandingOf(ulong.MaxValue, 2, 1) < 0.3);
        Assert.InRange(ReputationRule.StandingOf(16UL << 30, 0, 1) - ReputationRule.StandingOf(16UL << 30, 0, -1), 0, 0.01);
    }

    internal static PublicKey Key(int number)
    {
        Span<byte> bytes = stackalloc byte[PublicKey.Size];
        bytes.Clear();
        BinaryPrimitives.WriteInt32BigEndian(bytes, number + 1);
        return new PublicKey(bytes);
    }

    private static OwnExperience Own(int peer, ulong served) => new(Key(peer), served, 0);

    private static ReputationGraph Build(OwnExperience[] own, (int, int)[] relations, params int[] forked) =>
        ReputationGraph.Build(Key(0), own, relations.Select(pair => (Key(pair.Item1), Key(pair.Item2))), forked.Select(Key).ToHashSet(), s_options);

    private static double Units(ReputationGraph graph, int peer) => graph.WordOf(Key(peer)) is { } word ? word / (1 - word) : 0;

    private static void AssertUnits(double expected, ReputationGraph graph, int peer) => Assert.Equal(expected, Units(graph, peer), 3);
}
