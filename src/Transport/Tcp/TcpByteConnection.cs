using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tcp;

/// <summary>A connected TCP socket. Owns it.</summary>
/// <remarks>Receiving and sending allocate nothing: the socket's value tasks are awaited in pooled state machines.</remarks>
internal sealed class TcpByteConnection : ByteConnection
{
    // At most this much unread input is thrown away when closing, see DisposeAsync.
    private const int MaxDrainedSize = 256 * 1024;

    private const int Open = 0, Disposed = 1, Aborted = 2;

    private readonly TcpSocket _socket;
    private readonly SocketTraffic? _traffic;
    private int _state;
    private bool _completed;

    // The error that ended receiving. The system reports it once and then an orderly end, which it must not be taken for. Owner: the reader.
    private SocketError _receiveError;

    internal TcpByteConnection(Socket connected, SocketTraffic? traffic = null)
    {
        _traffic = traffic;
        LocalAddress = Multiaddr.FromIPEndPoint((IPEndPoint)connected.LocalEndPoint!);
        RemoteAddress = Multiaddr.FromIPEndPoint((IPEndPoint)connected.RemoteEndPoint!);
        traffic?.Add(connected);
        _socket = TcpSocket.Open(connected);
    }

    public override Multiaddr LocalAddress { get; }

    public override Multiaddr RemoteAddress { get; }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WaitForDataAsync(CancellationToken cancellationToken)
    {
        if (_receiveError != SocketError.Success) return;
        try
        {
            await _socket.WaitForDataAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e) when (Volatile.Read(ref _state) == Open)
        {
            _receiveError = e.SocketErrorCode;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw ClosedHere();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (buffer.IsEmpty) throw new ArgumentException("Nothing can be received into no bytes.", nameof(buffer));
        if (_receiveError != SocketError.Success) throw TcpErrors.Lost(_receiveError);
        try
        {
            return await _socket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e) when (Volatile.Read(ref _state) == Open)
        {
            _receiveError = e.SocketErrorCode;
            throw TcpErrors.Lost(e.SocketErrorCode);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw ClosedHere();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_completed) throw TcpErrors.Closed(ConnectionStep.Connection, "This side's direction was completed; nothing more can be sent.");
        try
        {
            while (!buffer.IsEmpty)
            {
                int sent = await _socket.SendAsync(buffer, cancellationToken).ConfigureAwait(false);
                buffer = buffer[sent..];
            }
        }
        catch (SocketException e) when (Volatile.Read(ref _state) == Open)
        {
            throw TcpErrors.Lost(e.SocketErrorCode);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw ClosedHere();
        }
    }

    public override ValueTask CompleteAsync()
    {
        _completed = true;
        ShutdownSend();
        return ValueTask.CompletedTask;
    }

    public override void Abort()
    {
        if (Interlocked.CompareExchange(ref _state, Aborted, Open) != Open) return;
        try
        {
            // Lingering for no time makes the close a reset.
            _socket.Socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The connection is already gone, which is what was asked for.
        }

        _traffic?.Remove(_socket.Socket);
        _socket.Dispose();
    }

    public override ValueTask DisposeAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Disposed, Open) != Open) return ValueTask.CompletedTask;
        ShutdownSend();
        Drain();
        _traffic?.Remove(_socket.Socket);
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private void ShutdownSend()
    {
        try
        {
            _socket.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The connection is already gone, and with it the direction.
        }
    }

    // A socket closed with unread input answers with a reset, which may overtake what was sent before.
    private void Drain()
    {
        try
        {
            _socket.Socket.Blocking = false;
            Span<byte> nowhere = stackalloc byte[4096];
            for (int drained = 0; drained < MaxDrainedSize && _socket.Socket.Available > 0;) drained += _socket.Socket.Receive(nowhere);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Nothing is left to drain.
        }
    }

    private static ConnectionException ClosedHere() => TcpErrors.Closed(ConnectionStep.Connection, "The connection was closed on this side.");
}
