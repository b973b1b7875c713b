using Overlay.Transport.Identity;

namespace Overlay.Transport.Connections;

/// <summary>A reliable, ordered pipe of bytes to another host, as TCP gives it: unauthenticated and unencrypted. The seam below the secure channel.</summary>
/// <remarks>
/// One reader and one writer at a time, which may be different threads. Failures surface as <see cref="ConnectionException"/> and nothing else,
/// cancellation as <see cref="OperationCanceledException"/>; after a cancelled send the connection is of no further use.
/// </remarks>
public abstract class ByteConnection : IAsyncDisposable
{
    /// <summary>This side's address.</summary>
    public abstract Multiaddr LocalAddress { get; }

    /// <summary>The other side's address.</summary>
    public abstract Multiaddr RemoteAddress { get; }

    /// <summary>Completes when bytes, an end or a failure are there to be received. Lets an idle connection hold no buffer.</summary>
    public abstract ValueTask WaitForDataAsync(CancellationToken cancellationToken);

    /// <summary>Receives at least one byte into <paramref name="buffer"/>.</summary>
    /// <returns>The number of bytes; 0 when the other side has ended its direction.</returns>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Sends all of <paramref name="buffer"/>; returns when the buffer may be used again.</summary>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Ends this side's direction; the other side then receives 0. Idempotent.</summary>
    public abstract ValueTask CompleteAsync();

    /// <summary>Ends both directions at once and fails what is pending. Idempotent, never throws.</summary>
    public abstract void Abort();

    /// <summary>Releases the connection; what was sent before is still delivered where the transport can.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Accepts connections at one address.</summary>
public abstract class ByteListener : IAsyncDisposable
{
    /// <summary>The address listened on, with the real port where 0 was asked for.</summary>
    public abstract Multiaddr Address { get; }

    /// <summary>Waits for the next connection.</summary>
    /// <exception cref="ConnectionException">The listener failed or was disposed (<see cref="ConnectionError.Closed"/>).</exception>
    public abstract ValueTask<ByteConnection> AcceptAsync(CancellationToken cancellationToken);

    /// <summary>Stops listening. Accepted connections live on.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Dials and listens on one kind of address. Plugged into <see cref="TransportOptions"/>.</summary>
public interface IByteTransport
{
    /// <summary>Whether this transport can dial (and listen on) <paramref name="address"/>, a trailing <c>/p2p/…</c> aside.</summary>
    bool CanDial(Multiaddr address);

    /// <summary>Dials; a trailing <c>/p2p/…</c> is ignored. Names in the address have been resolved before.</summary>
    /// <exception cref="ConnectionException">Nobody answered.</exception>
    ValueTask<ByteConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken);

    /// <summary>Listens.</summary>
    /// <exception cref="ConnectionException">The address is in use or not this host's.</exception>
    ValueTask<ByteListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken);
}
