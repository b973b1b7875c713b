using CsCheck;
using Overlay.Transport.Connections;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Tests.Resources;

public class TrimRuleTests
{
    private static readonly TimeSpan s_old = TimeSpan.FromHours(1), s_fresh = TimeSpan.FromSeconds(1);

    [Fact]
    public void Choose_BelowTheHighWaterMark_LetsNobodyGo() =>
        Assert.Empty(Rule(high: 10, low: 2).Choose([.. Many(9, i => Idle(i))]));

    [Fact]
    public void Choose_AtTheHighWaterMark_LeavesTheLowWaterMark() =>
        Assert.Equal(8, Rule(high: 10, low: 2).Choose([.. Many(10, i => Idle(i))]).Count);

    [Fact]
    public void Choose_DefaultMarks_AreShareOfTheNodesConnections()
    {
        var rule = new TrimRule(new TrimOptions(), 128);

        Assert.Equal((96, 80), (rule.HighWater, rule.LowWater));
    }

    [Fact]
    public void Choose_LeastValueFirst_ThenUnusedThenInboundThenFewestStreamsThenYoungest()
    {
        TrimCandidate[] inOrder =
        [
            Idle(0) with { Value = -1, StreamCount = 9, Direction = Direction.Outbound },
            Idle(1) with { Age = s_old },
            Idle(2) with { Age = 2 * s_old },
            Idle(3) with { Direction = Direction.Outbound },
            Idle(4) with { StreamCount = 1 },
            Idle(5) with { StreamCount = 5 },
            Idle(6) with { StreamCount = 1, Direction = Direction.Outbound },
            Idle(7) with { Value = 1 },
        ];

        IEnumerable<int> chosen = Rule(high: 8, low: 0).Choose([.. inOrder.Reverse()]).Select(c => c.Index);

        Assert.Equal(Enumerable.Range(0, 8), chosen);
    }

    [Fact]
    public void Choose_Protected_NeverGoesWhateverItIsWorth()
    {
        TrimCandidate[] connections = [.. Many(10, i => Idle(i) with { Value = i < 5 ? -100 : 100, IsProtected = i < 5 })];

        Assert.All(Rule(high: 10, low: 0).Choose(connections), c => Assert.False(c.IsProtected));
    }

    [Fact]
    public void Choose_FloodOfNewConnections_CrowdsOutNobody()
    {
        TrimRule rule = Rule(high: 50, low: 40, maxNew: 1000);
        TrimCandidate[] connections = [.. Many(45, i => Idle(i)), .. Many(500, i => Idle(45 + i) with { Age = s_fresh })];

        Assert.Empty(rule.Choose(connections));
    }

    [Fact]
    public void Choose_MoreNewConnectionsThanMayHaveGrace_TheyGoAndNotTheOld()
    {
        TrimRule rule = Rule(high: 50, low: 45, maxNew: 20);
        TrimCandidate[] connections = [.. Many(45, i => Idle(i)), .. Many(100, i => Idle(45 + i) with { Age = TimeSpan.FromMilliseconds(i) })];

        List<TrimCandidate> chosen = rule.Choose(connections);

        Assert.Equal(80, chosen.Count);
        Assert.All(chosen, c => Assert.InRange(c.Index, 65, 144));
    }

    [Fact]
    public void Choose_OutboundInItsGrace_IsNeverCounted()
    {
        TrimRule rule = Rule(high: 10, low: 0, maxNew: 0);

        Assert.Empty(rule.Choose([.. Many(100, i => Idle(i) with { Age = s_fresh, Direction = Direction.Outbound })]));
    }

    [Fact]
    public void ChooseWorthless_OnlyInboundIdleOldAndUnvalued()
    {
        TrimRule rule = Rule(high: 10, low: 0, maxNew: 100);
        TrimCandidate[] worthy =
        [
            Idle(0) with { Value = 1 },
            Idle(1) with { StreamCount = 1 },
            Idle(2) with { Direction = Direction.Outbound },
            Idle(3) with { IsProtected = true },
            Idle(4) with { Age = s_fresh },
            Idle(5) with { Value = -5, StreamCount = 1 },
        ];

        Assert.Null(rule.ChooseWorthless(worthy));
        Assert.Equal(6, rule.ChooseWorthless([.. worthy, Idle(6), Idle(7) with { Age = 2 * s_old }])!.Value.Index);
    }

    [Fact]
    public void Choose_AnyConnections_KeepsItsPromises() =>
        Gen.Select(Gen.Int[1, 30], Gen.Int[0, 30], Gen.Int[0, 10], Candidates).Sample((high, low, maxNew, connections) =>
        {
            low = Math.Min(low, high);
            TrimRule rule = Rule(high, low, maxNew);

            List<TrimCandidate> chosen = rule.Choose(connections);

            Assert.Equal(chosen.Count, chosen.Select(c => c.Index).Distinct().Count());
            Assert.All(chosen, c => Assert.False(c.IsProtected));
            int old = connections.Count(c => c.Age >= new TrimOptions().GracePeriod);
            int freshInbound = connections.Count(c => c.Age < new TrimOptions().GracePeriod && c.Direction == Direction.Inbound);
            int counted = old + Math.Max(0, freshInbound - maxNew);
            Assert.True(chosen.Count <= Math.Max(0, counted - low));
            if (counted < high) Assert.Empty(chosen);
            // Nothing is kept that is worth less than something that goes, grace and protection aside.
            if (chosen.Count > 0)
            {
                var gone = chosen.Select(c => c.Index).ToHashSet();
                int mostGone = chosen.Max(c => c.Value);
                Assert.All(
                    connections.Where(c => !gone.Contains(c.Index) && !c.IsProtected && c.Age >= new TrimOptions().GracePeriod),
                    kept => Assert.True(kept.Value >= mostGone));
            }
        });

    [Fact]
    public void Rule_MarksThatContradict_AreTheCallersMistake() =>
        Assert.Throws<ArgumentException>(() => new TrimRule(new TrimOptions { HighWater = 5, LowWater = 6 }, 128));

    private static Gen<TrimCandidate[]> Candidates { get; } =
        Gen.Select(Gen.Bool, Gen.Int[0, 120], Gen.Int[0, 3], Gen.Int[-2, 2], Gen.Int[0, 4]).Array[0, 60].Select(rows => rows
            .Select((row, i) => new TrimCandidate(
                i, row.Item1 ? Direction.Inbound : Direction.Outbound, TimeSpan.FromSeconds(row.Item2), row.Item3, row.Item4, row.Item5 == 0)).ToArray());

    private static TrimRule Rule(int high, int low, int maxNew = 0) =>
        new(new TrimOptions { HighWater = high, LowWater = low, MaxNewConnectionCount = maxNew }, 128);

    private static TrimCandidate Idle(int index) => new(index, Direction.Inbound, s_old, 0, 0, false);

    private static IEnumerable<TrimCandidate> Many(int count, Func<int, TrimCandidate> make) => Enumerable.Range(0, count).Select(make);
}
