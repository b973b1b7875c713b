using System.Globalization;
using Overlay.Benchmarks.Processes;
using Overlay.Benchmarks.Transport.Carriers;

namespace Overlay.Benchmarks.Transport;

/// <summary>What does a connection hold that does nothing, and does memory grow while many of them carry a little now and then?</summary>
/// <remarks>
/// Each subject has two fresh processes, so that nothing else is in their heaps: one listens, one dials, and this one only asks. Memory is what is alive
/// after a full collection, less what was alive before, for each connection. Idle baselines wait for a byte on both ends, as every peer does.
/// </remarks>
internal sealed record IdleConnections(int Connections, int StreamsEach, double Minutes)
{
    internal const string Usage = "usage: idle [--connections 1000] [--streams 10] [--minutes 0.5]";

    internal static IdleConnections Read(CommandOptions options)
    {
        var question = new IdleConnections(options.Count("--connections", 1000), options.Count("--streams", 10), options.Number("--minutes", 0.5, 0.05, 10_000));
        options.Done();
        return question;
    }

    internal async Task<int> PrintAsync()
    {
        IReadOnlyList<IdleRow> rows = await MeasureAsync();
        BusyRow busy = await MeasureBusyAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Connections} idle connections between two processes"));
        Console.WriteLine();
        Console.WriteLine("| subject | managed KiB each, dialler | listener | threads more, dialler | listener | timers each, dialler | listener |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (IdleRow row in rows)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {row.Name} | {row.DiallerKibibytes:F1} | {row.ListenerKibibytes:F1} | {row.DiallerThreads} | {row.ListenerThreads} | {row.DiallerTimers:F2} | {row.ListenerTimers:F2} |"));
        }

        Console.WriteLine();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Overlay, {Connections} connections × {StreamsEach} streams: managed {busy.DiallerMebibytes:F1} MiB in the dialler and {busy.ListenerMebibytes:F1} in the listener, "
            + $"after {Minutes} min with a message a second on one stream of each connection {busy.DiallerMebibytesLater:F1} and {busy.ListenerMebibytesLater:F1}"));
        return 0;
    }

    internal async Task<IReadOnlyList<IdleRow>> MeasureAsync()
    {
        var rows = new List<IdleRow>();
        foreach (string key in (string[])[TcpCarrier.Key, TlsCarrier.Key, OverlayCarrier.Key])
        {
            await using FarEnd listener = FarEnd.Start(), dialler = FarEnd.Start();
            string address = await listener.ListenAsync(key);
            // The first connection brings the code and the tables that all share.
            await dialler.DialAsync(key, 1, address);
            (ProcessSample Sample, long TimerCount) dialling = await dialler.SampleAsync(), listening = await listener.SampleAsync();
            await dialler.DialAsync(key, Connections, address);
            (ProcessSample Sample, long TimerCount) dialled = await dialler.SampleAsync(), listened = await listener.SampleAsync();
            rows.Add(new IdleRow(
                Carrier.TitleOf(key),
                Each(dialling.Sample.LiveBytes, dialled.Sample.LiveBytes) / 1024, Each(listening.Sample.LiveBytes, listened.Sample.LiveBytes) / 1024,
                dialled.Sample.ThreadCount - dialling.Sample.ThreadCount, listened.Sample.ThreadCount - listening.Sample.ThreadCount,
                Each(dialling.TimerCount, dialled.TimerCount), Each(listening.TimerCount, listened.TimerCount)));
        }

        return rows;
    }

    internal async Task<BusyRow> MeasureBusyAsync()
    {
        await using FarEnd listener = FarEnd.Start(), dialler = FarEnd.Start();
        string address = await listener.ListenAsync(OverlayCarrier.Key);
        await dialler.DialAsync(OverlayCarrier.Key, Connections, address);
        await dialler.OpenStreamsAsync(StreamsEach);
        // One message on each has let every stream and buffer come into being; what follows may not add to it.
        ProcessSample dialling = (await dialler.SampleAsync()).Sample, listening = (await listener.SampleAsync()).Sample;
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        for (int second = 0; System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalMinutes < Minutes; second++)
        {
            await dialler.ExchangeAsync(second % StreamsEach);
            TimeSpan next = TimeSpan.FromSeconds(second + 1) - System.Diagnostics.Stopwatch.GetElapsedTime(started);
            if (next > TimeSpan.Zero) await Task.Delay(next);
        }

        ProcessSample dialled = (await dialler.SampleAsync()).Sample, listened = (await listener.SampleAsync()).Sample;
        return new BusyRow(Mebibytes(dialling), Mebibytes(listening), Mebibytes(dialled), Mebibytes(listened));
    }

    private double Each(long before, long after) => (after - before) / (double)Connections;

    private static double Mebibytes(ProcessSample sample) => sample.LiveBytes / 1048576.0;
}

/// <summary>What each idle connection of one subject holds.</summary>
internal sealed record IdleRow(
    string Name, double DiallerKibibytes, double ListenerKibibytes, int DiallerThreads, int ListenerThreads, double DiallerTimers, double ListenerTimers)
{
    internal double Kibibytes => Math.Max(DiallerKibibytes, ListenerKibibytes);

    internal double Timers => Math.Max(DiallerTimers, ListenerTimers);

    internal int Threads => Math.Max(DiallerThreads, ListenerThreads);
}

/// <summary>Live managed memory of both processes with all streams open, and the same later.</summary>
internal sealed record BusyRow(double DiallerMebibytes, double ListenerMebibytes, double DiallerMebibytesLater, double ListenerMebibytesLater)
{
    internal double Mebibytes => Math.Max(DiallerMebibytesLater, ListenerMebibytesLater);

    /// <summary>Growth as a share of what there was.</summary>
    internal double Growth => Math.Max(DiallerMebibytesLater / DiallerMebibytes, ListenerMebibytesLater / ListenerMebibytes) - 1;
}
