using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Overlay.Proofs.Ledger;

/// <summary>Hands receipts that have become countersigned and durable to whoever watches.</summary>
/// <remarks>
/// The store that owns this publishes from one thread at a time; watchers come and go on any. A watcher that lags loses the oldest it has not read:
/// waiting for it would let a slow reader hold up every acknowledgement, and the ledger itself still has them all.
/// </remarks>
internal sealed class ReceiptWatchers
{
    /// <summary>How many receipts wait for one watcher before the oldest is dropped.</summary>
    public const int BufferCount = 1024;

    private readonly Lock _lock = new(); // guards _channels and _closed
    private readonly List<Channel<ReceiptEntry>> _channels = [];
    private bool _closed;

    public void Publish(ReceiptEntry entry)
    {
        lock (_lock)
            foreach (Channel<ReceiptEntry> channel in _channels)
                channel.Writer.TryWrite(entry);
    }

    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (Channel<ReceiptEntry> channel in _channels) channel.Writer.TryComplete();
        }
    }

    public async IAsyncEnumerable<ReceiptEntry> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateBounded<ReceiptEntry>(new BoundedChannelOptions(BufferCount)
        {
            FullMode = BoundedChannelFullMode.DropOldest,
            SingleReader = true,
        });
        lock (_lock)
        {
            if (_closed) yield break;
            _channels.Add(channel);
        }

        try
        {
            await foreach (ReceiptEntry entry in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return entry;
        }
        finally
        {
            lock (_lock) _channels.Remove(channel);
        }
    }
}
