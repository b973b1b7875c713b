using Overlay.Gossip;
using Overlay.Market.Messages;

namespace Overlay.Market.Demanding;

/// <summary>Hears the demand of regions: judges it, notes it, and tells of what is new.</summary>
internal sealed class DemandWatch(GossipNode gossip, DemandGate gate, MarketBoard board, TimeProvider time) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Region, Watched> _regions = [];
    private readonly TaskSet _tasks = new();
    private bool _disposed;

    /// <summary>Called with each new demand, on the thread pool; must not block.</summary>
    internal Action<Demand>? Heard { get; set; }

    /// <summary>Hears a region's demand from now on.</summary>
    internal void Watch(Region region)
    {
        lock (_lock)
        {
            if (_disposed || _regions.ContainsKey(region)) return;
            string topic = MarketNames.TopicOf(region);
            IDisposable judging = gossip.Validate(topic, (message, _) => ValueTask.FromResult(Judge(region, message)));
            GossipSubscription subscription = gossip.Subscribe(topic);
            _regions.Add(region, new Watched(judging, subscription));
            _tasks.Run(() => EmptyAsync(subscription));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Watched[] all;
        lock (_lock)
        {
            _disposed = true;
            all = [.. _regions.Values];
            _regions.Clear();
        }

        foreach (Watched watched in all)
        {
            await watched.Subscription.DisposeAsync().ConfigureAwait(false);
            watched.Judging.Dispose();
        }

        await _tasks.DrainAsync().ConfigureAwait(false);
    }

    // The validator has told of it all: the subscription only keeps the topic joined.
    private static async Task EmptyAsync(GossipSubscription subscription)
    {
        await foreach (GossipMessage _ in subscription.WithCancellation(CancellationToken.None).ConfigureAwait(false))
        {
        }
    }

    private GossipVerdict Judge(Region region, GossipMessage message)
    {
        DateTimeOffset now = time.GetUtcNow();
        GossipVerdict verdict = gate.Judge(region, message, now, out Demand? demand);
        if (verdict != GossipVerdict.Accept) return verdict;
        // Told a second time, under another number: everybody has it.
        if (!board.Add(demand!, now)) return GossipVerdict.Ignore;
        Heard?.Invoke(demand!);
        return GossipVerdict.Accept;
    }

    private readonly record struct Watched(IDisposable Judging, GossipSubscription Subscription);
}
