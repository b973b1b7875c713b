using System.Diagnostics;
using System.Globalization;
using System.Net;
using Overlay.Benchmarks.Transport.Carriers;
using Overlay.Transport.Identity;

namespace Overlay.Benchmarks.Transport;

/// <summary>How fast is one stream over a long way, beside bare TCP over the same way, and how many round trips pass from the dial to the first answer?</summary>
/// <remarks>
/// Three processes: this one sends, one receives, and one is the link, forwarding through its own port (see <see cref="Links.LongLink"/>). The kernel's
/// own congestion control does not see the delay, since the link's process answers for the far end at once: bare TCP through it is the line's rate
/// from the first byte on, and what a muxer's window loses shows in full.
/// </remarks>
internal sealed record LongLinkTransfer(int Mebibytes, double DelayMilliseconds, double MegabitsPerSecond, int Rounds)
{
    internal const string Usage = "usage: long-link [--mib 1024 (128 or more)] [--delay 30 (ms each way)] [--mbit 0 (no limit)] [--rounds 3]";

    private const int RampMebibytes = 64, DialCount = 5;

    internal static LongLinkTransfer Read(CommandOptions options)
    {
        var question = new LongLinkTransfer(
            options.Count("--mib", 1024, 2 * RampMebibytes), options.Number("--delay", 30, 0, 10_000), options.Number("--mbit", 0, 0, 1e6), options.Count("--rounds", 3));
        options.Done();
        return question;
    }

    private TimeSpan Delay => TimeSpan.FromMilliseconds(DelayMilliseconds);

    internal async Task<int> PrintAsync()
    {
        IReadOnlyList<LongLinkRow> rows = await MeasureAsync();
        string rate = MegabitsPerSecond > 0 ? string.Create(CultureInfo.InvariantCulture, $"{MegabitsPerSecond} Mbit/s") : "no limit of rate";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{Mebibytes} MiB one way over a link of {DelayMilliseconds} ms each way, {rate}, median of {Rounds} interleaved rounds"));
        Console.WriteLine();
        Console.WriteLine("| subject | MB/s | share of bare TCP | first 64 MiB s | rest MB/s | round trips from dial to first answer |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        foreach (LongLinkRow row in rows)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {row.Name} | {row.MegabytesPerSecond:F0} | {row.MegabytesPerSecond / rows[0].MegabytesPerSecond:P0} | {row.RampSeconds:F2} | {row.RestMegabytesPerSecond:F0} | {row.RoundTrips:F2} |"));
        }

        return 0;
    }

    internal async Task<IReadOnlyList<LongLinkRow>> MeasureAsync()
    {
        await using FarEnd far = FarEnd.Start(), link = FarEnd.Start();
        double rate = MegabitsPerSecond > 0 ? MegabitsPerSecond * 1e6 / 8 : double.PositiveInfinity;
        string[] keys = [TcpCarrier.Key, TlsCarrier.Key, OverlayCarrier.Key, OverlayCarrier.LimitedKey];
        string[] addresses = new string[keys.Length];
        for (int i = 0; i < keys.Length; i++) addresses[i] = await ThroughAsync(link, await far.ListenAsync(keys[i]), rate);
        int[] subjects = [.. Enumerable.Range(0, keys.Length)];
        IReadOnlyList<IReadOnlyList<Transfer>> transfers = await Transport.Rounds.RunAsync(subjects, Rounds, i => TransferAsync(keys[i], addresses[i]));
        IReadOnlyList<IReadOnlyList<double>> roundTrips = await Transport.Rounds.RunAsync(subjects, DialCount, i => DialAsync(keys[i], addresses[i]));
        return
        [
            .. subjects.Select(i => new LongLinkRow(
                Carrier.TitleOf(keys[i]),
                transfers[i].Median(t => Mebibytes * 1.048576 / t.Seconds),
                transfers[i].Median(t => t.RampSeconds),
                transfers[i].Median(t => (Mebibytes - RampMebibytes) * 1.048576 / (t.Seconds - t.RampSeconds)),
                DelayMilliseconds > 0 ? roundTrips[i].Median(seconds => seconds / (2 * Delay.TotalSeconds)) : double.NaN)),
        ];
    }

    /// <summary>The address with the link's port in place of the carrier's own.</summary>
    private async Task<string> ThroughAsync(FarEnd link, string address, double rate)
    {
        if (!address.StartsWith('/'))
        {
            string[] parts = address.Split(' ', 2);
            int forwarded = await link.ForwardAsync(IPEndPoint.Parse(parts[0]).Port, Delay, rate);
            return string.Join(' ', [$"127.0.0.1:{forwarded}", .. parts[1..]]);
        }

        Multiaddr own = Multiaddr.Parse(address);
        if (!own.TryGetIPEndPoint(out IPEndPoint? endPoint)) throw new FormatException($"{address} has no port.");
        int port = await link.ForwardAsync(endPoint.Port, Delay, rate);
        return Multiaddr.FromIPEndPoint(new IPEndPoint(IPAddress.Loopback, port)).WithPeerId(own.PeerId!).ToString();
    }

    private async Task<Transfer> TransferAsync(string key, string address)
    {
        // A new connection for every transfer: a window that has grown is not given to the next.
        await using Carrier near = Carrier.Create(key);
        await using Stream stream = await near.OpenAsync(address);
        // The link holds back the first bytes of a connection, and hosts still ask each other what they are: neither is the transfer.
        await Task.Delay(Delay * 4);
        long size = (long)Mebibytes << 20, started = Stopwatch.GetTimestamp();
        double ramp = 0;
        await StreamServices.SendAsync(stream, size, (long)RampMebibytes << 20, new byte[64 * 1024], () => ramp = Stopwatch.GetElapsedTime(started).TotalSeconds);
        return new Transfer(Stopwatch.GetElapsedTime(started).TotalSeconds, ramp);
    }

    /// <summary>Seconds from the dial to the first byte of an answer of the far application.</summary>
    private static async Task<double> DialAsync(string key, string address)
    {
        await using Carrier near = Carrier.Create(key);
        long started = Stopwatch.GetTimestamp();
        await using Stream stream = await near.OpenAsync(address);
        await stream.WriteAsync(StreamServices.FirstEcho(1));
        await stream.ReadExactlyAsync(new byte[1]);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private readonly record struct Transfer(double Seconds, double RampSeconds);
}

/// <summary>Medians of one subject.</summary>
internal sealed record LongLinkRow(string Name, double MegabytesPerSecond, double RampSeconds, double RestMegabytesPerSecond, double RoundTrips);
