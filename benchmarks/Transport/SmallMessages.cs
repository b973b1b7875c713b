using System.Diagnostics;
using System.Globalization;
using Overlay.Benchmarks.Transport.Carriers;

namespace Overlay.Benchmarks.Transport;

/// <summary>How many small requests and replies pass on many streams at once, each stream waiting for its reply, and does every stream get its share?</summary>
/// <remarks>
/// The baseline is the same code over as many bare TCP sockets: it is what a program does that has no muxer, and it needs no multiplexing of ours that
/// could be good or bad. It has one advantage, no cipher, and one handicap, no writes gathered from several streams.
/// </remarks>
internal sealed record SmallMessages(int Streams, int Size, double Seconds, int Rounds, IReadOnlyList<string> Subjects, bool IsOneProcess)
{
    internal const string Usage = "usage: messages [--streams 128] [--size 1024] [--seconds 3] [--rounds 3] [--only overlay,tcp,…] [--one-process]";

    // Before the counting begins: connections, windows and the thread pool have found their state.
    private const double WarmUpSeconds = 0.3;

    internal static SmallMessages Read(CommandOptions options)
    {
        var question = new SmallMessages(
            options.Count("--streams", 128), options.Count("--size", 1024), options.Number("--seconds", 3, 0.1, 3600), options.Count("--rounds", 3),
            options.Text("--only")?.Split(',') ?? [TcpCarrier.Key, TlsCarrier.Key, OverlayCarrier.Key], options.Has("--one-process"));
        options.Done();
        return question;
    }

    internal async Task<int> PrintAsync()
    {
        IReadOnlyList<SmallMessagesRow> rows = await MeasureAsync();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Streams} streams, {Size} bytes there and back, {Seconds} s, {(IsOneProcess ? "both ends in one process" : "two processes")}, median of {Rounds} interleaved rounds"));
        Console.WriteLine();
        Console.WriteLine("| subject | round trips/s | most/least of a stream | CPU µs each | allocated bytes each | allocated bytes/byte |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        foreach (SmallMessagesRow row in rows)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {row.Name} | {row.RoundTripsPerSecond:F0} | {row.Unfairness:F2} | {row.CpuMicroseconds:F1} | {row.Allocated:F0} | {row.Allocated / Size / 2:F4} |"));
        }

        return 0;
    }

    internal async Task<IReadOnlyList<SmallMessagesRow>> MeasureAsync()
    {
        var carriers = new List<(Carrier Near, string Address)>();
        await using FarEnd far = FarEnd.Start(!IsOneProcess);
        try
        {
            foreach (string key in Subjects) carriers.Add((Carrier.Create(key), await far.ListenAsync(key)));
            IReadOnlyList<IReadOnlyList<Sample>> samples = await Transport.Rounds.RunAsync(carriers, Rounds, carrier => MeasureAsync(far, carrier.Near, carrier.Address));
            return [.. Subjects.Select((key, i) => Row(Carrier.TitleOf(key), samples[i]))];
        }
        finally
        {
            foreach ((Carrier near, _) in carriers) await near.DisposeAsync();
        }
    }

    private async Task<Sample> MeasureAsync(FarEnd far, Carrier near, string address)
    {
        var streams = new List<Stream>();
        long[] counts = new long[Streams];
        var phase = new Phase();
        try
        {
            for (int i = 0; i < Streams; i++) streams.Add(await near.OpenAsync(address));
            Task[] loops = [.. streams.Select((stream, i) => Task.Run(async () => counts[i] = await ExchangeAsync(stream, phase)))];
            await Task.Delay(TimeSpan.FromSeconds(WarmUpSeconds));
            Spending spent = await far.MeasureAsync(async () =>
            {
                phase.IsCounting = true;
                await Task.Delay(TimeSpan.FromSeconds(Seconds));
                phase.IsCounting = false;
            });
            phase.IsOver = true;
            await Task.WhenAll(loops);
            return new Sample(spent, counts.Sum(), counts.Max() / (double)Math.Max(1, counts.Min()));
        }
        finally
        {
            foreach (Stream stream in streams) await stream.DisposeAsync();
        }
    }

    private async Task<long> ExchangeAsync(Stream stream, Phase phase)
    {
        byte[] message = new byte[Size];
        await stream.WriteAsync(StreamServices.FirstEcho(Size));
        await stream.ReadExactlyAsync(message);
        long count = 0;
        while (!phase.IsOver)
        {
            await stream.WriteAsync(message);
            await stream.ReadExactlyAsync(message);
            if (phase.IsCounting) count++;
        }

        return count;
    }

    private static SmallMessagesRow Row(string name, IReadOnlyList<Sample> samples) => new(
        name,
        samples.Median(s => s.Count / s.Spent.Seconds),
        samples.Median(s => s.Unfairness),
        samples.Median(s => s.Spent.CpuSeconds / s.Count * 1e6),
        samples.Median(s => s.Spent.Allocated / (double)s.Count));

    private readonly record struct Sample(Spending Spent, long Count, double Unfairness);

    /// <summary>Set by the measuring method, read by every loop.</summary>
    private sealed class Phase
    {
        private volatile bool _isCounting, _isOver;

        internal bool IsCounting
        {
            get => _isCounting;
            set => _isCounting = value;
        }

        internal bool IsOver
        {
            get => _isOver;
            set => _isOver = value;
        }
    }
}

/// <summary>Medians of one subject.</summary>
internal sealed record SmallMessagesRow(string Name, double RoundTripsPerSecond, double Unfairness, double CpuMicroseconds, double Allocated);
