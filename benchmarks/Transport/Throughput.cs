using System.Globalization;
using Overlay.Benchmarks.Transport.Carriers;

namespace Overlay.Benchmarks.Transport;

/// <summary>How fast do bytes go one way, over one stream or several at once? Beside TLS, bare ChaCha20-Poly1305 frames and bare TCP.</summary>
/// <remarks>Several streams are as many connections for the baselines and one connection for Overlay. Connecting is not measured.</remarks>
internal sealed record Throughput(int Mebibytes, int Streams, int Rounds, int BlockSize, IReadOnlyList<string> Subjects, bool IsOneProcess)
{
    internal const string Usage = "usage: throughput [--mib 1024] [--streams 1] [--rounds 5] [--block 65536] [--only overlay,tls,…] [--one-process]";

    /// <summary>Streams and baselines of the command line.</summary>
    internal static Throughput Read(CommandOptions options)
    {
        var question = new Throughput(
            options.Count("--mib", 1024), options.Count("--streams", 1), options.Count("--rounds", 5), options.Count("--block", 64 * 1024),
            options.Text("--only")?.Split(',') ?? [TcpCarrier.Key, ChaChaCarrier.Key, TlsCarrier.Key, OverlayCarrier.Key], options.Has("--one-process"));
        options.Done();
        return question;
    }

    internal async Task<int> PrintAsync()
    {
        IReadOnlyList<ThroughputRow> rows = await MeasureAsync();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Mebibytes} MiB one way over {Streams} stream(s) in writes of {BlockSize} bytes, {(IsOneProcess ? "both ends in one process" : "two processes")}, median of {Rounds} interleaved rounds"));
        Console.WriteLine();
        Console.WriteLine("| subject | MB/s | CPU s/GiB | of it sender | receiver | allocated bytes/byte |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        foreach (ThroughputRow row in rows)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {row.Name} | {row.MegabytesPerSecond:F0} | {row.CpuSecondsPerGiB:F2} | {row.NearCpuSecondsPerGiB:F2} | {row.FarCpuSecondsPerGiB:F2} | {row.AllocatedPerByte:F5} |"));
        }

        return 0;
    }

    internal async Task<IReadOnlyList<ThroughputRow>> MeasureAsync()
    {
        var carriers = new List<(Carrier Near, string Address)>();
        await using FarEnd far = FarEnd.Start(!IsOneProcess);
        try
        {
            foreach (string key in Subjects) carriers.Add((Carrier.Create(key), await far.ListenAsync(key)));
            IReadOnlyList<IReadOnlyList<Spending>> samples = await Transport.Rounds.RunAsync(carriers, Rounds, carrier => MeasureAsync(far, carrier.Near, carrier.Address));
            return [.. Subjects.Select((key, i) => Row(Carrier.TitleOf(key), samples[i]))];
        }
        finally
        {
            foreach ((Carrier near, _) in carriers) await near.DisposeAsync();
        }
    }

    private async Task<Spending> MeasureAsync(FarEnd far, Carrier near, string address)
    {
        long size = (long)Mebibytes << 20, each = size / Streams;
        byte[] block = new byte[BlockSize];
        Random.Shared.NextBytes(block);
        var streams = new List<Stream>();
        try
        {
            for (int i = 0; i < Streams; i++) streams.Add(await near.OpenAsync(address));
            return await far.MeasureAsync(() => Task.WhenAll(streams.Select(stream => StreamServices.SendAsync(stream, each, each, block))));
        }
        finally
        {
            foreach (Stream stream in streams) await stream.DisposeAsync();
        }
    }

    private ThroughputRow Row(string name, IReadOnlyList<Spending> samples)
    {
        double size = (long)Mebibytes << 20, gibibytes = Mebibytes / 1024.0;
        return new ThroughputRow(
            name,
            samples.Median(s => size / 1e6 / s.Seconds),
            samples.Median(s => s.CpuSeconds / gibibytes),
            samples.Median(s => s.NearCpuSeconds / gibibytes),
            samples.Median(s => s.FarCpuSeconds / gibibytes),
            samples.Median(s => s.Allocated / size));
    }
}

/// <summary>Medians of one subject.</summary>
internal sealed record ThroughputRow(
    string Name, double MegabytesPerSecond, double CpuSecondsPerGiB, double NearCpuSecondsPerGiB, double FarCpuSecondsPerGiB, double AllocatedPerByte);
