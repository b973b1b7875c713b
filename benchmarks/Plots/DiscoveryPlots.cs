using System.Globalization;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Overlay.Benchmarks.Plots;

/// <summary>Draws what the simulations of the DHT have written (docs/discovery.md), for people: an SVG file for each question.</summary>
internal sealed class DiscoveryPlots(string source, string target)
{
    internal const string Usage = "plots --csv FOLDER --out FOLDER";

    private const int Width = 720, Height = 400;

    private const string Font = "DejaVu Sans";

    private static readonly Color s_first = Color.FromHex("#1b6ca8"), s_second = Color.FromHex("#c2571a"), s_goal = Color.FromHex("#3a3a3a");

    internal static DiscoveryPlots Read(CommandOptions options)
    {
        string? source = options.Text("--csv"), target = options.Text("--out");
        options.Done();
        if (source is null || target is null) throw new UsageException("plots needs --csv and --out.");
        return new DiscoveryPlots(source, target);
    }

    internal int Draw()
    {
        Directory.CreateDirectory(target);
        Save("size.svg", Size(Csv.Read(Path.Combine(source, "size.csv"))));
        Save("malicious.svg", Shares(
            Csv.Read(Path.Combine(source, "malicious.csv")), "malicious_percent", "right", "Right lookups among liars, 1,000 peers",
            "malicious peers (% of all)", "lookups that found every honest nearest peer (%)", [(20, 95), (50, 80)]));
        Save("churn.svg", Shares(
            Csv.Read(Path.Combine(source, "churn.csv")), "replaced_percent_a_minute", "nearly_right", "Right lookups while peers come and go, 1,000 peers",
            "peers replaced each minute (% of all)", "lookups that found ≥ 9/10 of the nearest (%)", [(10, 99), (20, 95)]));
        return 0;
    }

    private static Plot Size(Csv rows)
    {
        double[] peers = rows.Column("peers");
        double[] places = [.. peers.Select(Math.Log10)];
        Plot plot = New("Cost of a lookup, no churn", "peers in the network (logarithmic)", "hops to the nearest peer, mean");
        plot.Axes.Bottom.TickGenerator = new NumericManual(places, [.. peers.Select(count => count.ToString("#,0", CultureInfo.InvariantCulture))]);
        Line(plot, places, rows.Column("mean_hops"), "hops (left)", s_first, MarkerShape.FilledCircle);
        double[] requests = rows.Column("mean_requests");
        Scatter line = Line(plot, places, requests, "requests (right)", s_second, MarkerShape.FilledSquare);
        line.Axes.YAxis = plot.Axes.Right;
        plot.Axes.Right.Label.Text = "requests of a lookup, mean";
        plot.Axes.Right.Label.ForeColor = s_second;
        plot.Axes.Left.Label.ForeColor = s_first;
        plot.Axes.SetLimitsX(places.Min() - 0.1, places.Max() + 0.1);
        plot.Axes.SetLimitsY(0, 1 + rows.Column("mean_hops").Max(), plot.Axes.Left);
        plot.Axes.SetLimitsY(0, 1.3 * requests.Max(), plot.Axes.Right);
        plot.ShowLegend(Alignment.UpperLeft);
        return plot;
    }

    private static Plot Shares(Csv rows, string over, string share, string title, string across, string up, (double X, double Y)[] goals)
    {
        double[] places = rows.Column(over);
        double[] percents = [.. rows.Column(share).Select(value => 100 * value)];
        Plot plot = New(title, across, up);
        Line(plot, places, percents, "measured", s_first, MarkerShape.FilledCircle);
        Scatter wanted = Line(plot, [.. goals.Select(goal => goal.X)], [.. goals.Select(goal => goal.Y)], "goal: at least", s_goal, MarkerShape.HorizontalBar);
        wanted.LineWidth = 0;
        wanted.MarkerSize = 16;
        wanted.MarkerLineWidth = 3;
        plot.Axes.Bottom.TickGenerator = new NumericManual(places, [.. places.Select(place => place.ToString(CultureInfo.InvariantCulture))]);
        plot.Axes.SetLimits(places.Min() - 2, places.Max() + 2, 70, 102);
        plot.ShowLegend(Alignment.LowerLeft);
        return plot;
    }

    private static Plot New(string title, string across, string up)
    {
        var plot = new Plot();
        plot.Font.Set(Font);
        plot.Axes.Title.Label.Text = title;
        plot.Axes.Title.Label.FontSize = 16;
        plot.Axes.Bottom.Label.Text = across;
        plot.Axes.Left.Label.Text = up;
        foreach (LabelStyle label in new[] { plot.Axes.Bottom.Label, plot.Axes.Left.Label, plot.Axes.Right.Label })
        {
            label.FontSize = 13;
            label.Bold = false;
        }

        return plot;
    }

    private static Scatter Line(Plot plot, double[] across, double[] up, string name, Color colour, MarkerShape shape)
    {
        Scatter line = plot.Add.Scatter(across, up, colour);
        line.LegendText = name;
        line.LineWidth = 2;
        line.MarkerShape = shape;
        line.MarkerSize = 8;
        return line;
    }

    private void Save(string name, Plot plot)
    {
        // Where that font is not at hand, one as wide is.
        string drawn = plot.GetSvgXml(Width, Height)
            .Replace($"font-family=\"{Font}\"", $"font-family=\"{Font}, Verdana, sans-serif\"", StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(target, name), drawn.ReplaceLineEndings("\n"));
        Console.WriteLine(Path.Combine(target, name));
    }
}
