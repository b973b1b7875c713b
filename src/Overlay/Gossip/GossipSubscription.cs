using System.Threading.Channels;

namespace Overlay.Gossip;

/// <summary>One reader's messages of a topic, from when it subscribed. Enumerate it once; dispose it to end. The topic is left with its last subscription.</summary>
/// <remarks>Who reads too slowly loses the oldest messages (<see cref="GossipLimits.MaxSubscriptionQueue"/>,
/// <see cref="GossipLimits.MaxSubscriptionQueueSize"/>), and nobody else any.</remarks>
public sealed class GossipSubscription : IAsyncEnumerable<GossipMessage>, IAsyncDisposable
{
    private readonly Action<GossipSubscription> _end;
    private readonly Channel<GossipMessage> _messages;
    private readonly int _maxSize;
    private long _size;
    private long _droppedCount;
    private int _disposed;

    internal GossipSubscription(string topic, GossipLimits limits, Action<GossipSubscription> end)
    {
        Topic = topic;
        _end = end;
        _maxSize = limits.MaxSubscriptionQueueSize;
        _messages = Channel.CreateBounded<GossipMessage>(
            new BoundedChannelOptions(limits.MaxSubscriptionQueue) { FullMode = BoundedChannelFullMode.DropOldest },
            message => Drop(message));
    }

    /// <summary>The topic.</summary>
    public string Topic { get; }

    /// <summary>Messages that this reader lost because it was slow.</summary>
    public long DroppedCount => Interlocked.Read(ref _droppedCount);

    /// <summary>Messages as they come, until cancelled or disposed.</summary>
    public async IAsyncEnumerator<GossipMessage> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        await foreach (GossipMessage message in _messages.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            Interlocked.Add(ref _size, -message.Data.Length);
            yield return message;
        }
    }

    /// <summary>Ends the subscription; an enumeration under way ends behind what it has.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _end(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Puts a message behind the others. One caller at a time.</summary>
    internal void Add(GossipMessage message)
    {
        long size = Interlocked.Add(ref _size, message.Data.Length);
        while (size > _maxSize && _messages.Reader.TryRead(out GossipMessage? oldest)) size = Drop(oldest);
        if (!_messages.Writer.TryWrite(message)) Interlocked.Add(ref _size, -message.Data.Length);
    }

    internal void Complete() => _messages.Writer.TryComplete();

    private long Drop(GossipMessage message)
    {
        Interlocked.Increment(ref _droppedCount);
        return Interlocked.Add(ref _size, -message.Data.Length);
    }
}
