using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Benchmarks.Soak;

/// <summary>One connection of a soak and its number.</summary>
internal sealed class SoakLink(PeerConnection connection, uint number)
{
    private volatile bool _isEnding;

    internal PeerConnection Connection => connection;

    internal uint Number => number;

    /// <summary>This process has begun to close or cut it: no stream can be opened any more.</summary>
    internal bool IsEnding => _isEnding;

    internal void End() => _isEnding = true;
}

/// <summary>The connections to the next peer: one that all traffic uses and that is replaced again and again, and many that stand idle.</summary>
/// <remarks>The replacing loop and the idle loop each own theirs; workers read <see cref="Current"/>.</remarks>
internal sealed class SoakLinks(PeerHost host, PeerId peer, Multiaddr address, int index, int idleCount, SoakOutput output)
{
    // A stream that stalls ends by its own deadline, long before; one that is only slow may take its time.
    private static readonly TimeSpan s_closing = TimeSpan.FromMinutes(30);

    private readonly Queue<SoakLink> _idle = [];
    private SoakLink? _current;
    private int _lastNumber;

    internal SoakLink Current => Volatile.Read(ref _current) ?? throw new InvalidOperationException("Not connected yet.");

    /// <summary>Connections made so far.</summary>
    internal int ConnectedCount => Volatile.Read(ref _lastNumber);

    internal async Task ConnectAsync()
    {
        Volatile.Write(ref _current, await DialAsync());
        for (int i = 0; i < idleCount; i++) _idle.Enqueue(await DialAsync());
    }

    /// <summary>Puts a new connection in place of the current one; the old one is either closed, with its streams ending in order, or cut through them.</summary>
    internal async Task ReplaceCurrentAsync(bool cuts)
    {
        SoakLink next = await DialAsync();
        SoakLink last = Interlocked.Exchange(ref _current, next)!;
        last.End();
        if (!cuts)
        {
            await CloseAsync(last);
            return;
        }

        output.Cut(last.Number);
        last.Connection.Abort("The soak cuts this connection.");
    }

    /// <summary>Sees that the connection that stood idle longest still lives, closes it and opens another.</summary>
    internal async Task ReplaceIdleAsync(CancellationToken cancellationToken)
    {
        SoakLink oldest = _idle.Dequeue();
        _idle.Enqueue(await DialAsync());
        await oldest.Connection.PingAsync(cancellationToken);
        oldest.End();
        await CloseAsync(oldest);
    }

    private async Task<SoakLink> DialAsync()
    {
        PeerConnection connection = await host.ConnectAnewAsync(peer, [address]);
        return new SoakLink(connection, ((uint)index << 24) | (uint)Interlocked.Increment(ref _lastNumber));
    }

    private async Task CloseAsync(SoakLink link)
    {
        output.Closing(link.Number);
        using var deadline = new CancellationTokenSource(s_closing);
        await link.Connection.CloseAsync(deadline.Token);
        if (deadline.IsCancellationRequested) output.Fault(link.Number, "the connection's streams did not end before its close gave up");
    }
}
