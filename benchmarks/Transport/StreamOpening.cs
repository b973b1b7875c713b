using System.Diagnostics;
using System.Globalization;
using Overlay.Benchmarks.Transport.Carriers;

namespace Overlay.Benchmarks.Transport;

/// <summary>What does opening a stream cost, beside a message on one that is open? For bare TCP, a stream is a connection.</summary>
/// <remarks>32 bytes there and back, as the ping protocol has it. A new stream carries its protocol's name with the first bytes. Closing is not measured.</remarks>
internal sealed record StreamOpening(int Count, int Rounds, bool IsOneProcess)
{
    internal const string Usage = "usage: streams [--count 2000] [--rounds 3] [--one-process]";

    private const int PingSize = 32;

    internal static StreamOpening Read(CommandOptions options)
    {
        var question = new StreamOpening(options.Count("--count", 2000), options.Count("--rounds", 3), options.Has("--one-process"));
        options.Done();
        return question;
    }

    internal async Task<int> PrintAsync()
    {
        IReadOnlyList<StreamOpeningRow> rows = await MeasureAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{PingSize} bytes there and back, {Count} times, medians of {Rounds} interleaved rounds"));
        Console.WriteLine();
        Console.WriteLine("| subject | on an open stream µs | on a new stream µs | ratio | allocated bytes, new stream |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (StreamOpeningRow row in rows)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {row.Name} | {row.OpenMicroseconds:F0} | {row.NewMicroseconds:F0} | {row.NewMicroseconds / row.OpenMicroseconds:F2} | {row.NewAllocated:F0} |"));
        }

        return 0;
    }

    internal async Task<IReadOnlyList<StreamOpeningRow>> MeasureAsync()
    {
        await using FarEnd far = FarEnd.Start(!IsOneProcess);
        await using Carrier tcp = Carrier.Create(TcpCarrier.Key), overlay = Carrier.Create(OverlayCarrier.Key);
        (string Title, Carrier Near, string Address)[] carriers =
        [
            (TcpCarrier.Title, tcp, await far.ListenAsync(TcpCarrier.Key)),
            (OverlayCarrier.Title, overlay, await far.ListenAsync(OverlayCarrier.Key)),
        ];
        IReadOnlyList<IReadOnlyList<Sample>> samples = await Transport.Rounds.RunAsync(carriers, Rounds, carrier => MeasureAsync(far, carrier.Near, carrier.Address));
        return
        [
            .. carriers.Select((carrier, i) => new StreamOpeningRow(
                carrier.Title, samples[i].Median(s => s.OpenMicroseconds), samples[i].Median(s => s.NewMicroseconds), samples[i].Median(s => s.NewAllocated))),
        ];
    }

    private async Task<Sample> MeasureAsync(FarEnd far, Carrier near, string address)
    {
        byte[] first = StreamServices.FirstEcho(PingSize), only = StreamServices.FirstEcho(PingSize, 1), message = new byte[PingSize];
        double[] open = new double[Count], opened = new double[Count];
        await using (Stream stream = await near.OpenAsync(address))
        {
            await stream.WriteAsync(first);
            await stream.ReadExactlyAsync(message);
            for (int i = 0; i < Count; i++)
            {
                long before = Stopwatch.GetTimestamp();
                await stream.WriteAsync(message);
                await stream.ReadExactlyAsync(message);
                open[i] = Stopwatch.GetElapsedTime(before).TotalMicroseconds;
            }
        }

        Spending spent = await far.MeasureAsync(async () =>
        {
            for (int i = 0; i < Count; i++)
            {
                long before = Stopwatch.GetTimestamp();
                await using Stream stream = await near.OpenAsync(address);
                await stream.WriteAsync(only);
                await stream.ReadExactlyAsync(message);
                opened[i] = Stopwatch.GetElapsedTime(before).TotalMicroseconds;
                await StreamServices.AwaitEndAsync(stream);
            }
        });
        return new Sample(Medians.Of(open), Medians.Of(opened), spent.Allocated / (double)Count);
    }

    private readonly record struct Sample(double OpenMicroseconds, double NewMicroseconds, double NewAllocated);
}

/// <summary>Medians of one subject.</summary>
internal sealed record StreamOpeningRow(string Name, double OpenMicroseconds, double NewMicroseconds, double NewAllocated);
