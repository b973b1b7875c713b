using System.Threading.Channels;

namespace Overlay.Gossip;

/// <summary>One reader's messages of a topic, from when it subscribed. Enumerate it once; dispose it to end. The topic is left with its last subscription.</summary>
/// <remarks>Who reads too slowly loses the oldest messages (<see cref="GossipLimits.MaxSubscriptionQueue"/>), and nobody else any.</remarks>
public sealed class GossipSubscription : IAsyncEnumerable<GossipMessage>, IAsyncDisposable
{
    private readonly Action<GossipSubscription> _end;
    private readonly Channel<GossipMessage> _messages;
    private long _droppedCount;
    private int _disposed;

    internal GossipSubscription(string topic, int capacity, Action<GossipSubscription> end)
    {
        Topic = topic;
        _end = end;
        _messages = Channel.CreateBounded<GossipMessage>(
            new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest },
            _ => Interlocked.Increment(ref _droppedCount));
    }

    /// <summary>The topic.</summary>
    public string Topic { get; }

    /// <summary>Messages that this reader lost because it was slow.</summary>
    public long DroppedCount => Interlocked.Read(ref _droppedCount);

    /// <summary>Messages as they come, until cancelled or disposed.</summary>
    public IAsyncEnumerator<GossipMessage> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        _messages.Reader.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

    /// <summary>Ends the subscription; an enumeration under way ends behind what it has.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _end(this);
        return ValueTask.CompletedTask;
    }

    internal void Add(GossipMessage message) => _messages.Writer.TryWrite(message);

    internal void Complete() => _messages.Writer.TryComplete();
}
