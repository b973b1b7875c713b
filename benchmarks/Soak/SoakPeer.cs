using System.Globalization;
using System.Runtime.InteropServices;
using Overlay.Benchmarks.Processes;
using Overlay.Transport.Identity;

namespace Overlay.Benchmarks.Soak;

/// <summary>One process of a soak. Does what its parent says on standard input: <c>dial ADDRESS</c>, <c>sample</c>, <c>drain</c>, <c>close</c>.</summary>
internal static class SoakPeer
{
    internal const string Command = "soak-peer";

    private const int IdleConnections = 16;
    private const long LargestTransfer = 32L << 20;
    private const double LargestTransferSeconds = 10;

    internal static async Task<int> RunAsync(CommandOptions options)
    {
        int index = options.Count("--index", 0, 0), seed = options.Count("--seed", 1);
        double cpu = options.Number("--cpu", 0.1, 0, 64), rate = options.Number("--rate", 1e9, 1, 1e15);
        options.Done();
        // An interrupt from the terminal reaches every process of the group; when to end is the parent's to say.
        using var ignored = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);

        var output = new SoakOutput();
        var pace = new Pace(cpu, rate);
        var content = new SoakContent(seed);
        var streams = new SoakStreams(content, pace, output);
        await using var host = BenchmarkHost.CreateWithBudget();
        host.Peers.Protocols.Handle(SoakStreams.Protocol, (stream, _) => streams.ServeAsync(stream));
        Multiaddr address = await host.ListenAsync();
        output.Write($"ready {address}");

        SoakTraffic? traffic = null;
        SoakLinks? links = null;
        while (await Console.In.ReadLineAsync() is { } line)
        {
            switch (line.Split(' '))
            {
                case ["dial", var text]:
                    Multiaddr next = Multiaddr.Parse(text);
                    links = new SoakLinks(host.Peers, next.PeerId!, next, index, IdleConnections, output);
                    traffic = new SoakTraffic(host.Peers, links, streams, pace, output, index, seed, (long)Math.Min(LargestTransfer, rate * LargestTransferSeconds));
                    await traffic.StartAsync();
                    break;
                case ["sample"]:
                    output.Write(string.Create(
                        CultureInfo.InvariantCulture, $"sample {streams.EndedCount} {streams.Bytes} {links?.ConnectedCount ?? 0} {ProcessSample.Take().ToLine()}"));
                    break;
                case ["drain"]:
                    if (traffic is not null) await traffic.StopAsync();
                    output.Write("drained");
                    break;
                case ["close"]:
                    if (traffic is not null) await traffic.DisposeAsync();
                    await host.DisposeAsync();
                    output.Write("closed");
                    return 0;
            }
        }

        return 1;
    }
}
