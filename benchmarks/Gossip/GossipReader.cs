using System.Globalization;
using Overlay.Gossip;

namespace Overlay.Benchmarks.Gossip;

/// <summary>The process that takes the messages: says its address, then, as often as it is asked, how many have come.</summary>
internal static class GossipReader
{
    internal const string Command = "gossip-reader";
    internal const string Topic = "benchmark";

    internal static async Task<int> RunAsync()
    {
        await using OverlayNode node = await OverlayNode.StartAsync(new OverlayOptions { Listen = ["/ip4/127.0.0.1/tcp/0"], Gossip = new GossipOptions() });
        await using GossipSubscription messages = node.Gossip!.Subscribe(Topic);
        long count = 0;
        Task counting = Task.Run(async () =>
        {
            await foreach (GossipMessage _ in messages) Interlocked.Increment(ref count);
        });
        Console.WriteLine(node.Addresses[0]);
        while (await Console.In.ReadLineAsync() is not null)
            Console.WriteLine(Interlocked.Read(ref count).ToString(CultureInfo.InvariantCulture));
        await messages.DisposeAsync();
        await counting;
        return 0;
    }
}
