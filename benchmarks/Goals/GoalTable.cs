using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Overlay.Benchmarks.Transport;
using Overlay.Benchmarks.Transport.Carriers;

namespace Overlay.Benchmarks.Goals;

/// <summary>All of the transport's goals beside what this machine measures now, as a table in Markdown.</summary>
/// <remarks>Every line's baseline is measured in the same minutes as the line. Figures of two tables cannot be compared; verdicts can.</remarks>
internal sealed class GoalTable
{
    internal const string Usage = "usage: goals [--quick] [--minutes N (how long 1,000 × 10 streams are watched)]";

    private readonly bool _isQuick;
    private readonly double _minutes;
    private readonly List<Goal> _goals = [];

    private GoalTable(bool isQuick, double minutes) => (_isQuick, _minutes) = (isQuick, minutes);

    internal static GoalTable Read(CommandOptions options)
    {
        bool isQuick = options.Has("--quick");
        var table = new GoalTable(isQuick, options.Number("--minutes", isQuick ? 0.2 : 2, 0.05, 10_000));
        options.Done();
        return table;
    }

    private int Mebibytes => _isQuick ? 256 : 1024;

    private int Rounds => _isQuick ? 2 : 5;

    private int FewerRounds => _isQuick ? 1 : 3;

    /// <summary>Measures and prints. What is being measured appears on standard error meanwhile.</summary>
    internal async Task<int> PrintAsync()
    {
        await StepAsync("one stream", AddThroughputAsync);
        await StepAsync("several streams", AddParallelStreamsAsync);
        await StepAsync("small messages", AddSmallMessagesAsync);
        await StepAsync("dials", AddDialsAsync);
        await StepAsync("long link", AddLongLinkAsync);
        await StepAsync("new streams", AddStreamOpeningAsync);
        await StepAsync("idle connections", AddIdleConnectionsAsync);

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores of {RuntimeInformation.ProcessArchitecture}, {RuntimeInformation.OSDescription}, .NET {Environment.Version}, "
            + $"{DateTimeOffset.UtcNow:yyyy-MM-dd}{LoadNow()}{(_isQuick ? ", quick run" : "")}"));
        Console.WriteLine();
        Console.WriteLine("| what | goal | measured | baseline in the same run | verdict |");
        Console.WriteLine("| --- | ---: | ---: | --- | --- |");
        foreach (Goal goal in _goals) Console.WriteLine(goal.ToMarkdown());
        return 0;
    }

    private static async Task StepAsync(string what, Func<Task> measure)
    {
        long started = Stopwatch.GetTimestamp();
        await Console.Error.WriteAsync(what);
        await measure();
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $": {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s"));
    }

    private async Task AddThroughputAsync()
    {
        string[] subjects = [TcpCarrier.Key, ChaChaCarrier.Key, TlsCarrier.Key, OverlayCarrier.Key];
        var question = new Throughput(Mebibytes, Streams: 1, Rounds, BlockSize: 64 * 1024, subjects, IsOneProcess: false);
        if (await question.MeasureAsync() is not [var tcp, var frames, var tls, var overlay]) throw new UnreachableException();
        double floor = new CipherFloor(256, 3).Measure().CpuSecondsPerGiB;
        string what = string.Create(CultureInfo.InvariantCulture, $"one stream, {Mebibytes} MiB, 64 KiB writes");
        _goals.Add(Goal.AtLeast(
            $"{what}: beside TLS 1.3 ChaCha20", 1, overlay.MegabytesPerSecond / tls.MegabytesPerSecond, "×", "0.00",
            $"{Number(overlay.MegabytesPerSecond)} MB/s; TLS {Number(tls.MegabytesPerSecond)}, bare TCP {Number(tcp.MegabytesPerSecond)}"));
        _goals.Add(Goal.AtLeast(
            "the same: beside bare ChaCha20 frames", 0.7, overlay.MegabytesPerSecond / frames.MegabytesPerSecond, "×", "0.00",
            $"frames {Number(frames.MegabytesPerSecond)} MB/s"));
        _goals.Add(Goal.AtMost(
            "the same: CPU, both ends", 1.8, overlay.CpuSecondsPerGiB, "s/GiB", "0.00",
            $"TLS {Fixed(tls.CpuSecondsPerGiB)}, frames {Fixed(frames.CpuSecondsPerGiB)}, bare TCP {Fixed(tcp.CpuSecondsPerGiB)}, cipher alone {Fixed(floor)}"));
        _goals.Add(Goal.AtMost(
            "the same: allocated per payload byte, both ends", 0.005, overlay.AllocatedPerByte, "bytes", "0.0000",
            $"TLS {tls.AllocatedPerByte.ToString("0.0000", CultureInfo.InvariantCulture)}"));
    }

    private async Task AddParallelStreamsAsync()
    {
        foreach (int streams in (int[])[8, 64])
        {
            var question = new Throughput(Mebibytes, streams, FewerRounds, 64 * 1024, [TlsCarrier.Key, OverlayCarrier.Key], IsOneProcess: false);
            if (await question.MeasureAsync() is not [var tls, var overlay]) throw new UnreachableException();
            _goals.Add(Goal.Shown(
                $"{streams} streams at once", $"{Number(overlay.MegabytesPerSecond)} MB/s, {Fixed(overlay.CpuSecondsPerGiB)} s/GiB",
                $"{streams} TLS connections {Number(tls.MegabytesPerSecond)} MB/s, {Fixed(tls.CpuSecondsPerGiB)} s/GiB"));
        }
    }

    private async Task AddSmallMessagesAsync()
    {
        var question = new SmallMessages(128, 1024, _isQuick ? 1.5 : 3, FewerRounds, [TcpCarrier.Key, TlsCarrier.Key, OverlayCarrier.Key], IsOneProcess: false);
        if (await question.MeasureAsync() is not [var tcp, var tls, var overlay]) throw new UnreachableException();
        _goals.Add(Goal.AtLeast(
            "128 streams × 1 KiB request and reply", 60_000, overlay.RoundTripsPerSecond, "/s", "0",
            $"128 bare TCP connections {Number(tcp.RoundTripsPerSecond)}, 128 of TLS {Number(tls.RoundTripsPerSecond)}"));
        _goals.Add(Goal.AtMost("the same: most to least of a stream", 1.5, overlay.Unfairness, "×", "0.00", $"bare TCP {Fixed(tcp.Unfairness)}, TLS {Fixed(tls.Unfairness)}"));
        _goals.Add(Goal.Shown(
            "the same: each round trip", $"{Fixed(overlay.CpuMicroseconds)} µs CPU, {Number(overlay.Allocated)} bytes",
            $"bare TCP {Fixed(tcp.CpuMicroseconds)} µs, {Number(tcp.Allocated)} bytes; TLS {Fixed(tls.CpuMicroseconds)} µs, {Number(tls.Allocated)} bytes"));
    }

    private async Task AddDialsAsync()
    {
        if (await new Dials(_isQuick ? 1.5 : 3, FewerRounds, IsOneProcess: false).MeasureAsync() is not [var curves, var tls, var overlay]) throw new UnreachableException();
        _goals.Add(Goal.AtLeast(
            "dial + handshake + identify, one after another", 500, overlay.PerSecond, "/s", "0",
            $"TLS handshakes {Number(tls.PerSecond)}, the curves alone {Number(curves.PerSecond)}; CPU {Fixed(overlay.CpuMilliseconds)} ms each, curves {Fixed(curves.CpuMilliseconds)}"));
    }

    private async Task AddLongLinkAsync()
    {
        const double delay = 30;
        foreach (double megabits in (double[])[0, 1000])
        {
            // A capped line needs no gibibyte to outlast the start.
            var question = new LongLinkTransfer(megabits > 0 ? 512 : Math.Max(512, Mebibytes), delay, megabits, _isQuick ? 1 : 3);
            if (await question.MeasureAsync() is not [var tcp, var tls, var overlay, var limited]) throw new UnreachableException();
            _goals.Add(Goal.AtLeast(
                $"one stream over a 60 ms round trip, {(megabits > 0 ? "1 Gbit/s" : "no limit of rate")}: beside bare TCP", 0.9, overlay.MegabytesPerSecond / tcp.MegabytesPerSecond, "×", "0.00",
                $"{Number(overlay.MegabytesPerSecond)} MB/s, first 64 MiB in {Fixed(overlay.RampSeconds)} s; bare TCP {Number(tcp.MegabytesPerSecond)}, {Fixed(tcp.RampSeconds)} s; "
                + $"TLS {Number(tls.MegabytesPerSecond)}"));
            if (megabits > 0)
            {
                _goals.Add(Goal.AtLeast(
                    "the same with the limits of a node and an address", 0.9, limited.MegabytesPerSecond / tcp.MegabytesPerSecond, "×", "0.00",
                    $"{Number(limited.MegabytesPerSecond)} MB/s, first 64 MiB in {Fixed(limited.RampSeconds)} s"));
                continue;
            }

            _goals.Add(Goal.AtMost(
                "round trips from dial to first application byte", 3, Math.Round(overlay.RoundTrips), "", "0",
                $"{Fixed(overlay.RoundTrips)} of 60 ms with the time of computing; bare TCP {Fixed(tcp.RoundTrips)}, TLS {Fixed(tls.RoundTrips)}"));
        }
    }

    private async Task AddStreamOpeningAsync()
    {
        if (await new StreamOpening(_isQuick ? 1000 : 3000, FewerRounds, IsOneProcess: false).MeasureAsync() is not [var tcp, var overlay]) throw new UnreachableException();
        _goals.Add(Goal.AtMost(
            "new stream + ping, beside a ping on an open stream", 1.5, overlay.NewMicroseconds / overlay.OpenMicroseconds, "×", "0.00",
            $"{Number(overlay.NewMicroseconds)} µs to {Number(overlay.OpenMicroseconds)} µs; new TCP connection {Number(tcp.NewMicroseconds)} µs to {Number(tcp.OpenMicroseconds)} µs"));
    }

    private async Task AddIdleConnectionsAsync()
    {
        var question = new IdleConnections(1000, 10, _minutes);
        if (await question.MeasureAsync() is not [var tcp, var tls, var overlay]) throw new UnreachableException();
        _goals.Add(Goal.AtMost(
            "idle connection: managed memory of one end", 16, overlay.Kibibytes, "KiB", "0.0", $"bare TCP {Fixed(tcp.Kibibytes)}, TLS {Fixed(tls.Kibibytes)}"));
        _goals.Add(Goal.None("the same: threads of 1,000", overlay.Threads, ThreadTolerance, "threads of their own", "0", $"bare TCP {tcp.Threads}, TLS {tls.Threads}, with 1,000 more connections"));
        _goals.Add(Goal.None("the same: timers of each", overlay.Timers, 0.01, "timer of its own", "0.00", $"bare TCP {Fixed(tcp.Timers)}, TLS {Fixed(tls.Timers)}"));
        BusyRow busy = await question.MeasureBusyAsync();
        _goals.Add(Goal.AtMost(
            string.Create(CultureInfo.InvariantCulture, $"1,000 connections × 10 streams: growth in {_minutes} min"), 5, busy.Growth * 100, "%", "0.0",
            $"at first {Fixed(busy.DiallerMebibytes)} and {Fixed(busy.ListenerMebibytes)} MiB managed"));
        _goals.Add(Goal.AtMost("the same: managed memory of one process", 128, busy.Mebibytes, "MiB", "0.0", "the default budget of a node"));
    }

    // The thread pool's own coming and going; 1,000 connections with a thread each would be 1,000.
    private const int ThreadTolerance = 16;

    private static string LoadNow()
    {
        const string file = "/proc/loadavg";
        return File.Exists(file) ? ", load average " + string.Join(' ', File.ReadAllText(file).Split(' ').Take(2)) : "";
    }

    private static string Number(double value) => value.ToString("0", CultureInfo.InvariantCulture);

    private static string Fixed(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
