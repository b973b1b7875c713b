using System.Diagnostics;
using System.Globalization;
using Overlay.Benchmarks.Processes;
using Overlay.Gossip;
using Overlay.Transport.Identity;

namespace Overlay.Benchmarks.Gossip;

/// <summary>How many signed messages a second does one node say to another in a process of its own, every signature checked?</summary>
internal sealed record GossipMessages(int Size, double Seconds, int Rounds, int Authors)
{
    internal const string Usage = "usage: gossip [--size 256] [--seconds 3] [--rounds 3] [--authors 2]";

    private const double WarmUpSeconds = 1;

    internal static GossipMessages Read(CommandOptions options)
    {
        var question = new GossipMessages(
            options.Count("--size", 256), options.Number("--seconds", 3, 0.1, 3600), options.Count("--rounds", 3), options.Count("--authors", 2));
        options.Done();
        return question;
    }

    internal async Task<int> PrintAsync()
    {
        double rate = await MeasureAsync();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{Size} bytes, signed and checked, two processes, {Seconds} s, median of {Rounds} rounds: {rate:F0} messages/s"));
        return 0;
    }

    internal async Task<double> MeasureAsync()
    {
        await using ChildProcess reader = ChildProcess.Start(GossipReader.Command);
        string address = await reader.ReadLineAsync() ?? throw new IOException("The reader ended at once.");
        await using OverlayNode node = await OverlayNode.StartAsync(new OverlayOptions { Gossip = new GossipOptions() });
        await node.Peers.ConnectAsync(Multiaddr.Parse(address));
        while (node.Gossip!.PeersOf(GossipReader.Topic).Count == 0) await Task.Delay(20);

        using var stop = new CancellationTokenSource();
        Task[] authors = [.. Enumerable.Range(0, Authors).Select(_ => Task.Run(() => PublishAsync(node.Gossip, stop.Token)))];
        await Task.Delay(TimeSpan.FromSeconds(WarmUpSeconds));
        var rates = new List<double>();
        for (int round = 0; round < Rounds; round++)
        {
            long before = await CountAsync(reader), started = Stopwatch.GetTimestamp();
            await Task.Delay(TimeSpan.FromSeconds(Seconds));
            rates.Add((await CountAsync(reader) - before) / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        await stop.CancelAsync();
        await Task.WhenAll(authors);
        return Medians.Of(rates);
    }

    private async Task PublishAsync(OverlayGossip gossip, CancellationToken stop)
    {
        byte[] data = new byte[Size];
        try
        {
            while (!stop.IsCancellationRequested) await gossip.PublishAsync(GossipReader.Topic, data, stop);
        }
        catch (OperationCanceledException)
        {
            // The measuring is over.
        }
    }

    private static async Task<long> CountAsync(ChildProcess reader)
    {
        await reader.WriteLineAsync("count");
        return long.Parse(await reader.ReadLineAsync() ?? throw new IOException("The reader ended."), CultureInfo.InvariantCulture);
    }
}
