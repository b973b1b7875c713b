using System.Globalization;
using Overlay.TestKit;

namespace Overlay.Tests.Market.Reputation;

public sealed class SybilAttackTests
{
    private static readonly int[] s_edges = [1, 3, 10], s_sybils = [10, 100, 1000];

    // Prints the table of docs/reputation.md; the bound is checked for each observer by Measure.
    [Fact]
    public void Gain_IsBoundedByHonestEdgesAndDoesNotGrowWithTheNumberOfKeys()
    {
        List<string> rows = [];
        foreach (SybilShape shape in Enum.GetValues<SybilShape>())
        {
            foreach (int edges in s_edges)
            {
                var measured = s_sybils.Select(sybils => new SybilAttack(shape, edges, sybils).Measure()).ToArray();
                rows.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {NameOf(shape)} | {edges} | {string.Join(" / ", measured.Select(one => one.Gain.ToString("0.00", CultureInfo.InvariantCulture)))} | {measured[0].Bound:0.00} | " +
                    $"{string.Join(" / ", measured.Select(one => one.Lifted))} | {string.Join(" / ", measured.Select(one => one.AheadOfHonest))} |"));
                TestContext.Current.TestOutputHelper!.WriteLine(rows[^1]);
                // Ten times the keys gain nothing once there are more of them than edges.
                Assert.True(measured[2].Gain <= measured[1].Gain + 1e-9, rows[^1]);
                Assert.True(measured[2].Lifted <= measured[1].Lifted, rows[^1]);
            }
        }

        AssertDocumented(rows);
    }

    // What the division costs: whoever deals with everybody takes word from the honest.
    [Fact]
    public void HonestStrangers_AreLiftedUnlessEveryNodeIsFlooded()
    {
        List<string> rows = [];
        List<double> shares = [];
        foreach (int each in new[] { 0, 1, 4, 16 })
        {
            (double share, double lift) = new SybilAttack(SybilShape.Pairs, each * SybilAttack.HonestCount, 16 * SybilAttack.HonestCount).MeasureHonest();
            shares.Add(share);
            rows.Add(string.Create(CultureInfo.InvariantCulture, $"| {each} | {100 * share:0} % | {lift:0.000} |"));
            TestContext.Current.TestOutputHelper!.WriteLine(rows[^1]);
        }

        Assert.True(shares[0] > 0.25, rows[0]);
        Assert.Equal(shares, shares.OrderDescending());
        AssertDocumented(rows);
    }

    private static void AssertDocumented(List<string> rows)
    {
        string document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "reputation.md"));
        Assert.All(rows, row => Assert.Contains(row, document, StringComparison.Ordinal));
    }

    private static string NameOf(SybilShape shape) => shape switch
    {
        SybilShape.Pairs => "pairs",
        SybilShape.Ring => "ring",
        SybilShape.Star => "star",
        SybilShape.SlowBuild => "slow build",
        _ => "slow build, cheated",
    };
}
