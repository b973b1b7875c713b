using System.Net;
using System.Net.Sockets;
using CsCheck;
using Overlay.Transport.Tcp;

namespace Overlay.Transport.Tests.Tcp;

/// <summary>What every <see cref="TcpSocket"/> does, whichever way the system tells it.</summary>
public abstract class TcpSocketContract
{
    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected abstract TcpSocket Open(Socket connected);

    [Fact]
    public async Task Receive_BytesAreThere_ReturnsThem()
    {
        using Pair pair = await ConnectAsync();
        await pair.Other.SendAsync(new byte[] { 1, 2, 3 }, Token);

        Assert.Equal([1, 2, 3], await ReceiveAsync(pair.Socket, 3));
    }

    [Fact]
    public async Task Receive_NothingIsThere_WaitsForBytes()
    {
        using Pair pair = await ConnectAsync();
        byte[] buffer = new byte[16];
        ValueTask<int> receiving = pair.Socket.ReceiveAsync(buffer, Token);
        Assert.False(receiving.IsCompleted);

        await pair.Other.SendAsync(new byte[] { 7 }, Token);

        Assert.Equal(1, await receiving);
        Assert.Equal(7, buffer[0]);
    }

    [Fact]
    public async Task Receive_OtherSideHasEnded_ReturnsNothingAgainAndAgain()
    {
        using Pair pair = await ConnectAsync();
        ValueTask<int> receiving = pair.Socket.ReceiveAsync(new byte[16], Token);
        pair.Other.Shutdown(SocketShutdown.Send);

        Assert.Equal(0, await receiving);
        Assert.Equal(0, await pair.Socket.ReceiveAsync(new byte[16], Token));
        Assert.Equal(1, await pair.Socket.SendAsync(new byte[1], Token));
    }

    [Fact]
    public async Task Receive_OtherSideResets_Fails()
    {
        using Pair pair = await ConnectAsync();
        ValueTask<int> receiving = pair.Socket.ReceiveAsync(new byte[16], Token);
        pair.Other.LingerState = new LingerOption(enable: true, seconds: 0);
        pair.Other.Dispose();

        SocketException error = await Assert.ThrowsAsync<SocketException>(async () => await receiving);
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    [Fact]
    public async Task Receive_IsCancelled_LosesNothing()
    {
        using Pair pair = await ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        ValueTask<int> receiving = pair.Socket.ReceiveAsync(new byte[16], cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await receiving);

        await pair.Other.SendAsync(new byte[] { 4, 5 }, Token);

        Assert.Equal([4, 5], await ReceiveAsync(pair.Socket, 2));
    }

    [Fact]
    public async Task Receive_TokenIsCancelledBefore_TakesNothing()
    {
        using Pair pair = await ConnectAsync();
        await pair.Other.SendAsync(new byte[] { 9 }, Token);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await pair.Socket.ReceiveAsync(new byte[16], new CancellationToken(canceled: true)));
        Assert.Equal([9], await ReceiveAsync(pair.Socket, 1));
    }

    [Fact]
    public async Task WaitForData_BytesCome_CompletesAndLeavesThem()
    {
        using Pair pair = await ConnectAsync();
        ValueTask waiting = pair.Socket.WaitForDataAsync(Token);
        Assert.False(waiting.IsCompleted);
        await pair.Other.SendAsync(new byte[] { 6 }, Token);

        await waiting;
        await pair.Socket.WaitForDataAsync(Token);
        Assert.Equal([6], await ReceiveAsync(pair.Socket, 1));
    }

    [Fact]
    public async Task WaitForData_OtherSideEnds_Completes()
    {
        using Pair pair = await ConnectAsync();
        ValueTask waiting = pair.Socket.WaitForDataAsync(Token);
        pair.Other.Shutdown(SocketShutdown.Send);

        await waiting;
        Assert.Equal(0, await pair.Socket.ReceiveAsync(new byte[1], Token));
    }

    [Fact]
    public async Task Send_OtherSideDoesNotRead_WaitsUntilItDoes()
    {
        using Pair pair = await ConnectAsync();
        pair.Socket.Socket.Blocking = false;
        byte[] block = new byte[64 * 1024];
        long sent = 0;
        ValueTask<int> sending;
        while ((sending = pair.Socket.SendAsync(block, Token)).IsCompleted) sent += await sending;

        Task<long> draining = DrainAsync(pair.Other);
        sent += await sending;
        pair.Socket.Socket.Shutdown(SocketShutdown.Send);

        Assert.Equal(sent, await draining);
    }

    [Fact]
    public async Task Send_OtherSideIsGone_Fails()
    {
        using Pair pair = await ConnectAsync();
        pair.Other.LingerState = new LingerOption(enable: true, seconds: 0);
        pair.Other.Dispose();

        SocketException error = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (true) await pair.Socket.SendAsync(new byte[1024], Token);
        });
        Assert.Contains(error.SocketErrorCode, (SocketError[])[SocketError.ConnectionReset, SocketError.Shutdown]);
    }

    [Fact]
    public async Task Dispose_BothDirectionsWait_FailsBoth()
    {
        using Pair pair = await ConnectAsync();
        ValueTask<int> receiving = pair.Socket.ReceiveAsync(new byte[16], Token);
        ValueTask<int> sending;
        while ((sending = pair.Socket.SendAsync(new byte[64 * 1024], Token)).IsCompleted) await sending;

        pair.Socket.Dispose();

        await AssertClosedAsync(() => receiving);
        await AssertClosedAsync(() => sending);
        await AssertClosedAsync(() => pair.Socket.ReceiveAsync(new byte[16], Token));
        await AssertClosedAsync(() => pair.Socket.SendAsync(new byte[16], Token));
        pair.Socket.Dispose();
    }

    /// <summary>Both ways at once, in pieces of any size, with waits that are given up in between: what arrives is what was sent.</summary>
    [Fact]
    public void Bytes_AnyPiecesAndCancellations_ArriveInOrder() =>
        Gen.Select(Gen.Int[1, 200_000].Array[1, 12], Gen.Int[1, 100_000], Gen.Bool.Array[1, 12]).Sample((pieces, bufferSize, givesUp) =>
            Task.Run(async () =>
            {
                using Pair pair = await ConnectAsync();
                using TcpSocket other = Open(pair.Other);
                await Task.WhenAll(
                    SendAllAsync(pair.Socket, pieces), SendAllAsync(other, pieces), CheckAllAsync(pair.Socket, pieces, bufferSize, givesUp),
                    CheckAllAsync(other, pieces, bufferSize, givesUp));
            }).GetAwaiter().GetResult(), iter: 50);

    /// <summary>Places are given away again at once, while the system still tells of those who had them.</summary>
    [Fact]
    public async Task Sockets_ManyComeAndGo_EachHearsOfItsOwnBytes()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Token }, async (i, _) =>
        {
            using Pair pair = await ConnectAsync();
            ValueTask<int> left = i % 3 == 0 ? pair.Socket.ReceiveAsync(new byte[4], Token) : default;
            if (i % 3 == 0)
            {
                // Goes while bytes are on their way.
                await pair.Other.SendAsync(BitConverter.GetBytes(i), Token);
                pair.Socket.Dispose();
                await IgnoreAsync(left);
                return;
            }

            Task<byte[]> receiving = ReceiveAsync(pair.Socket, 4);
            await pair.Other.SendAsync(BitConverter.GetBytes(i), Token);
            Assert.Equal(i, BitConverter.ToInt32(await receiving));
        });
    }

    private static async Task<long> DrainAsync(Socket socket)
    {
        byte[] sink = new byte[256 * 1024];
        long total = 0;
        for (int count; (count = await socket.ReceiveAsync(sink, Token)) > 0;) total += count;
        return total;
    }

    private static async Task SendAllAsync(TcpSocket socket, int[] pieces)
    {
        byte next = 0;
        foreach (int size in pieces)
        {
            byte[] piece = new byte[size];
            for (int i = 0; i < size; i++) piece[i] = next++;
            for (int sent = 0; sent < size;) sent += await socket.SendAsync(piece.AsMemory(sent), Token);
        }

        socket.Socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task CheckAllAsync(TcpSocket socket, int[] pieces, int bufferSize, bool[] givesUp)
    {
        byte[] buffer = new byte[bufferSize];
        byte next = 0;
        long total = 0;
        for (int turn = 0; ; turn++)
        {
            using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Token);
            ValueTask<int> receiving = socket.ReceiveAsync(buffer, cancellation.Token);
            if (givesUp[turn % givesUp.Length] && !receiving.IsCompleted) await cancellation.CancelAsync();
            int count;
            try
            {
                count = await receiving;
            }
            catch (OperationCanceledException) when (!Token.IsCancellationRequested)
            {
                await Task.Yield();
                continue;
            }

            if (count == 0) break;
            total += count;
            for (int i = 0; i < count; i++) Assert.Equal(next++, buffer[i]);
        }

        Assert.Equal(pieces.Sum(size => (long)size), total);
    }

    private protected static async Task<byte[]> ReceiveAsync(TcpSocket socket, int count)
    {
        byte[] buffer = new byte[count];
        for (int received = 0; received < count;)
        {
            int part = await socket.ReceiveAsync(buffer.AsMemory(received), Token);
            Assert.NotEqual(0, part);
            received += part;
        }

        return buffer;
    }

    private static async Task AssertClosedAsync(Func<ValueTask<int>> operation)
    {
        Exception error = await Assert.ThrowsAnyAsync<Exception>(async () => await operation());
        Assert.True(error is ObjectDisposedException or SocketException, error.ToString());
    }

    private static async Task IgnoreAsync(ValueTask<int> operation)
    {
        try
        {
            await operation;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed before anything came.
        }
    }

    private protected async Task<Pair> ConnectAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Task connecting = other.ConnectAsync(listener.LocalEndPoint!, Token).AsTask();
        Socket accepted = await listener.AcceptAsync(Token);
        await connecting;
        return new Pair(Open(accepted), other);
    }

    private protected sealed record Pair(TcpSocket Socket, Socket Other) : IDisposable
    {
        public void Dispose()
        {
            Socket.Dispose();
            Other.Dispose();
        }
    }
}

/// <summary>Past .NET's engine, where the system has epoll.</summary>
public sealed class EpollSocketTests : TcpSocketContract
{
    private protected override TcpSocket Open(Socket connected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There is no epoll on this system.");
        return new EpollSocket(connected, EpollPoller.Shared!);
    }

    [Fact]
    public async Task Receive_AnotherWaits_IsTheCallersMistake()
    {
        using Pair pair = await ConnectAsync();
        ValueTask waiting = pair.Socket.WaitForDataAsync(Token);

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await pair.Socket.ReceiveAsync(new byte[1], Token));
        await pair.Other.SendAsync(new byte[] { 3 }, Token);
        await waiting;
        Assert.Equal([3], await ReceiveAsync(pair.Socket, 1));
    }
}

/// <summary>By .NET's engine.</summary>
public sealed class SystemSocketTests : TcpSocketContract
{
    private protected override TcpSocket Open(Socket connected) => new SystemSocket(connected);
}

/// <summary>How a <see cref="TcpSocket"/> comes about.</summary>
public class TcpSocketConnectTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_SomebodyListens_IsConnected()
    {
        using Socket listener = Listen();
        using Socket socket = await TcpSocket.ConnectAsync((IPEndPoint)listener.LocalEndPoint!, Token);

        Assert.True(socket.Connected);
        Assert.True(socket.NoDelay);
        Assert.Equal(listener.LocalEndPoint, socket.RemoteEndPoint);
    }

    [Fact]
    public async Task Connect_NobodyListens_IsRefused()
    {
        IPEndPoint free;
        using (Socket listener = Listen()) free = (IPEndPoint)listener.LocalEndPoint!;

        SocketException error = await Assert.ThrowsAsync<SocketException>(async () => await TcpSocket.ConnectAsync(free, Token));
        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
    }

    /// <summary>A listener whose queue is full answers nobody: a connection to it is under way until somebody is accepted.</summary>
    [Fact]
    public async Task Connect_IsUnderWay_WaitsOrIsGivenUp()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems refuse where the queue is full.");
        using Socket listener = Listen(backlog: 0);
        var target = (IPEndPoint)listener.LocalEndPoint!;
        // A queue for none has room for one.
        using Socket first = await TcpSocket.ConnectAsync(target, Token);
        Task<Socket> waiting = TcpSocket.ConnectAsync(target, Token).AsTask();
        Assert.False(waiting.IsCompleted);

        using var cancellation = new CancellationTokenSource();
        Task<Socket> givenUp = TcpSocket.ConnectAsync(target, cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givenUp);

        (await listener.AcceptAsync(Token)).Dispose();
        using Socket late = await waiting.WaitAsync(TimeSpan.FromMinutes(1), Token);
        Assert.True(late.Connected);
        Assert.Equal(target, late.RemoteEndPoint);
    }

    private static Socket Listen(int backlog = 16)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(backlog);
        return listener;
    }
}
