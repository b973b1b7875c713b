using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport;

public sealed partial class PeerHost
{
    private readonly Lock _watchLock = new();
    private readonly List<Channel<bool>> _watchers = [];

    /// <summary>Chooses which of this host's addresses the peer of a connection is told; null tells every peer all <see cref="ListenAddresses"/>.</summary>
    /// <remarks>Called on the thread pool for each identify answer and push. Addresses may end in <c>/p2p/…</c>; a signed record is made of what is left.
    /// Call <see cref="AnnounceAddresses"/> when the answers have changed.</remarks>
    public Func<PeerConnection, IReadOnlyList<Multiaddr>>? AnnouncedAddresses { get; set; }

    /// <summary>Tells the connected peers that take pushes which addresses this host has now.</summary>
    public void AnnounceAddresses() => PushToAll();

    /// <summary>Yields at once, and again after connections were made, lost, or told what their peers are. Changes that come together make one
    /// element.</summary>
    /// <remarks>An element is the connections of that moment: what a slow reader misses is no change that still holds. Ends when the host stops.</remarks>
    public async IAsyncEnumerable<IReadOnlyList<PeerConnection>> WatchConnectionsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Channel<bool> signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        signal.Writer.TryWrite(true);
        lock (_watchLock)
        {
            if (_stopping.IsCancellationRequested) yield break;
            _watchers.Add(signal);
        }

        try
        {
            await foreach (bool _ in signal.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false)) yield return Connections;
        }
        finally
        {
            lock (_watchLock) _watchers.Remove(signal);
        }
    }

    private void TellWatchers()
    {
        lock (_watchLock)
            foreach (Channel<bool> watcher in _watchers) watcher.Writer.TryWrite(true);
    }

    private void EndWatching()
    {
        lock (_watchLock)
            foreach (Channel<bool> watcher in _watchers) watcher.Writer.TryComplete();
    }
}
