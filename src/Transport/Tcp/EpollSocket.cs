using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Overlay.Transport.Tcp;

/// <summary>Receives and sends by system calls that never wait, and waits with the process's <see cref="EpollPoller"/> only where there is something to wait for.</summary>
internal sealed partial class EpollSocket : TcpSocket
{
    // recv(2), send(2).
    private const int DontWait = 0x40, Peek = 0x2, NoSignal = 0x4000;

    private const int Interrupted = 4, Again = 11;

    private readonly SafeSocketHandle _handle;
    private readonly EpollPoller _poller;
    private readonly SocketWaiter _receiver;
    private readonly SocketWaiter _sender;
    private bool _isKnown;
    private bool _isOver;

    internal EpollSocket(Socket socket, EpollPoller poller)
        : base(socket)
    {
        _handle = socket.SafeHandle;
        _poller = poller;
        _receiver = new SocketWaiter(this, EpollPoller.Readable | EpollPoller.PeerEnded);
        _sender = new SocketWaiter(this, EpollPoller.Writable);
        Key = poller.Enter(this);
    }

    /// <summary>Under which the poller knows it.</summary>
    internal ulong Key { get; }

    /// <summary>Guards who waits, and what the poller was asked for.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Connects a fresh socket, which belongs to the caller whatever happens.</summary>
    /// <exception cref="SocketException">The target could not be reached.</exception>
    internal static async ValueTask ConnectAsync(Socket socket, IPEndPoint target, EpollPoller poller, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        socket.Blocking = false;
        try
        {
            socket.Connect(target);
            return;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // Under way: writable when it is decided.
        }

        var waiting = new EpollSocket(socket, poller);
        try
        {
            await waiting._sender.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            waiting.Leave();
        }

        // Reading the error takes it away, so it is read before the socket looks for itself whether it is connected.
        var error = (SocketError)(int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
        if (error != SocketError.Success) throw new SocketException((int)error);
        if (!socket.Connected) throw new SocketException((int)SocketError.NotConnected);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WaitForDataAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!TryPeek()) await _receiver.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int count;
        while ((count = TryReceive(buffer.Span)) < 0) await _receiver.WaitAsync(cancellationToken).ConfigureAwait(false);
        return count;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int count;
        while ((count = TrySend(buffer.Span)) < 0) await _sender.WaitAsync(cancellationToken).ConfigureAwait(false);
        return count;
    }

    public override void Dispose()
    {
        Leave();
        base.Dispose();
    }

    /// <summary>Called by the poller: something that was asked for holds, or the connection has ended.</summary>
    internal void Tell(uint events)
    {
        bool isEnd = (events & (EpollPoller.Failed | EpollPoller.HungUp)) != 0;
        bool receives, sends;
        Exception? error = null;
        lock (Gate)
        {
            receives = (isEnd || (events & _receiver.Interest) != 0) && _receiver.TryEnd();
            sends = (isEnd || (events & _sender.Interest) != 0) && _sender.TryEnd();
            if (!_isOver && (_receiver.IsWaiting || _sender.IsWaiting)) error = TryAsk();
        }

        if (receives) _receiver.Succeed();
        if (sends) _sender.Succeed();
        if (error is not null) Fail(error);
    }

    /// <summary>Asks the poller for all that is waited for. Called with the gate held.</summary>
    /// <returns>Why that is not possible, or null.</returns>
    internal Exception? TryAsk()
    {
        if (_isOver) return Closed();
        uint interest = (_receiver.IsWaiting ? _receiver.Interest : 0) | (_sender.IsWaiting ? _sender.Interest : 0);
        try
        {
            int error = _poller.Ask(_handle, Key, interest, _isKnown);
            if (error != 0) return ErrorOf(error);
            _isKnown = true;
            return null;
        }
        catch (ObjectDisposedException e)
        {
            return e;
        }
    }

    // Waits no more with the poller, and lets nobody wait.
    private void Leave()
    {
        lock (Gate)
        {
            if (_isOver) return;
            _isOver = true;
            try
            {
                if (_isKnown) _poller.Forget(_handle);
            }
            catch (ObjectDisposedException)
            {
                // Closed by somebody else, and forgotten with that.
            }

            _poller.Leave(Key);
        }

        Fail(Closed());
    }

    private void Fail(Exception error)
    {
        _receiver.Fail(error);
        _sender.Fail(error);
    }

    private unsafe bool TryPeek()
    {
        byte first;
        return TryReceive(new Span<byte>(&first, 1), Peek) >= 0;
    }

    // -1 when there is nothing yet.
    private unsafe int TryReceive(Span<byte> buffer, int flags = 0)
    {
        while (true)
        {
            nint count;
            fixed (byte* start = buffer) count = Receive(_handle, start, buffer.Length, flags | DontWait);
            if (count >= 0 || !IsInterrupted()) return (int)count;
        }
    }

    // -1 when there is no room yet.
    private unsafe int TrySend(ReadOnlySpan<byte> buffer)
    {
        while (true)
        {
            nint count;
            fixed (byte* start = buffer) count = Send(_handle, start, buffer.Length, DontWait | NoSignal);
            if (count >= 0 || !IsInterrupted()) return (int)count;
        }
    }

    // After a call that has failed: false when it would only have had to wait.
    private static bool IsInterrupted() => Marshal.GetLastPInvokeError() switch
    {
        Interrupted => true,
        Again => false,
        int error => throw ErrorOf(error),
    };

    private static ObjectDisposedException Closed() => new(nameof(TcpSocket));

    // errno of Linux, the same on x64 and Arm64, in .NET's words.
    private static SocketException ErrorOf(int error) => new((int)(error switch
    {
        1 or 13 => SocketError.AccessDenied,
        12 or 105 => SocketError.NoBufferSpaceAvailable,
        28 => SocketError.TooManyOpenSockets,
        32 => SocketError.Shutdown,
        100 => SocketError.NetworkDown,
        101 => SocketError.NetworkUnreachable,
        102 => SocketError.NetworkReset,
        103 => SocketError.ConnectionAborted,
        104 => SocketError.ConnectionReset,
        107 => SocketError.NotConnected,
        110 => SocketError.TimedOut,
        111 => SocketError.ConnectionRefused,
        112 => SocketError.HostDown,
        113 => SocketError.HostUnreachable,
        _ => SocketError.SocketError,
    }));

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static unsafe partial nint Receive(SafeHandle socket, byte* buffer, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static unsafe partial nint Send(SafeHandle socket, byte* buffer, nint size, int flags);
}
