using System.Threading.Channels;

namespace Overlay.Discovery;

/// <summary>Wakes any number of readers when something has changed; changes that come together wake once. Safe on several threads.</summary>
internal sealed class Changes
{
    private readonly Lock _lock = new();
    private readonly List<Channel<bool>> _readers = [];
    private bool _completed;

    /// <summary>A reader that is woken at once and after every change; dispose it.</summary>
    internal Reader Read()
    {
        Channel<bool> signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        signal.Writer.TryWrite(true);
        lock (_lock)
        {
            if (_completed) signal.Writer.TryComplete();
            else _readers.Add(signal);
        }

        return new Reader(this, signal);
    }

    internal void Tell()
    {
        lock (_lock)
            foreach (Channel<bool> reader in _readers) reader.Writer.TryWrite(true);
    }

    /// <summary>There will be no more.</summary>
    internal void Complete()
    {
        lock (_lock)
        {
            _completed = true;
            foreach (Channel<bool> reader in _readers) reader.Writer.TryComplete();
        }
    }

    internal sealed class Reader(Changes owner, Channel<bool> signal) : IDisposable
    {
        /// <summary>True after a change; false when there will be no more.</summary>
        internal async ValueTask<bool> WaitAsync(CancellationToken cancellationToken) =>
            await signal.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) && signal.Reader.TryRead(out _);

        public void Dispose()
        {
            lock (owner._lock) owner._readers.Remove(signal);
        }
    }
}
