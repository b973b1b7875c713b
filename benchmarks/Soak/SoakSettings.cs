using System.Globalization;

namespace Overlay.Benchmarks.Soak;

/// <summary>How long and how hard a soak runs.</summary>
/// <param name="Minutes">Length of the run; its first quarter warms up.</param>
/// <param name="Peers">Processes, each dialling the next one, the last one the first.</param>
/// <param name="CpuPercent">Share of one core that all processes together may use, in percent. What the far end of a stream spends is not held back, only seen.</param>
/// <param name="MegabytesPerSecond">Payload that all processes together may send, in 10^6 bytes a second.</param>
/// <param name="Seed">Of every choice and of the content.</param>
/// <param name="SampleSeconds">Time between two samples of memory.</param>
internal sealed record SoakSettings(double Minutes, int Peers, double CpuPercent, double MegabytesPerSecond, int Seed, double SampleSeconds)
{
    internal const string Usage =
        "usage: soak [--minutes 60] [--peers 3] [--cpu 30 (percent of a core)] [--rate-limit MB/s] [--seed N] [--sample 10 (seconds)]";

    internal static SoakSettings Read(CommandOptions options)
    {
        var settings = new SoakSettings(
            options.Number("--minutes", 60, 0.1, 100_000),
            (int)options.Number("--peers", 3, 2, 16),
            options.Number("--cpu", 30, 1, 6400),
            options.Number("--rate-limit", 100_000, 0.1, 100_000),
            options.Count("--seed", Random.Shared.Next(1, int.MaxValue)),
            options.Number("--sample", 10, 0.5, 3600));
        options.Done();
        return settings;
    }

    /// <summary>The command line of the process with number <paramref name="index"/>.</summary>
    internal string[] PeerArguments(int index) =>
    [
        SoakPeer.Command,
        "--index", Text(index), "--seed", Text(Seed),
        "--cpu", Text(CpuPercent / 100 / Peers), "--rate", Text(MegabytesPerSecond * 1e6 / Peers),
    ];

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
