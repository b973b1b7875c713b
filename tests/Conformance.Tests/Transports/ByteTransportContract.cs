using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Conformance.Tests.Transports;

/// <summary>What every <see cref="IByteTransport"/> must do. One subclass for each implementation.</summary>
public abstract class ByteTransportContract
{
    private const int LargeSize = 8 * 1024 * 1024;

    /// <summary>The transport; the same network for every call within one test.</summary>
    protected abstract IByteTransport Transport { get; }

    /// <summary>An address to listen on that lets the transport choose a free one.</summary>
    protected abstract Multiaddr AnyAddress { get; }

    /// <summary>An address of another kind, which the transport cannot use.</summary>
    protected abstract Multiaddr ForeignAddress { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Listen_AnyAddress_NamesTheRealOne()
    {
        await using ByteListener listener = await Transport.ListenAsync(AnyAddress, Token);
        Assert.NotEqual(AnyAddress, listener.Address);
        Assert.True(Transport.CanDial(listener.Address));
    }

    [Fact]
    public async Task Listen_AddressInUse_FailsWithAddressUnavailable()
    {
        await using ByteListener listener = await Transport.ListenAsync(AnyAddress, Token);
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(async () => await Transport.ListenAsync(listener.Address, Token));
        Assert.Equal(ConnectionError.AddressUnavailable, error.Reason);
        Assert.Equal(ConnectionStep.Listen, error.Step);
        Assert.Equal(Fault.Caller, error.Fault);
    }

    [Fact]
    public async Task Listen_AfterTheListenerWasDisposed_TakesTheAddressAgain()
    {
        ByteListener first = await Transport.ListenAsync(AnyAddress, Token);
        Multiaddr address = first.Address;
        await first.DisposeAsync();
        await using ByteListener second = await Transport.ListenAsync(address, Token);
        Assert.Equal(address, second.Address);
    }

    [Fact]
    public async Task ForeignAddress_DialAndListen_FailWithUnsupportedAddress()
    {
        Assert.False(Transport.CanDial(ForeignAddress));
        ConnectionException dial = await Assert.ThrowsAsync<ConnectionException>(async () => await Transport.DialAsync(ForeignAddress, Token));
        ConnectionException listen = await Assert.ThrowsAsync<ConnectionException>(async () => await Transport.ListenAsync(ForeignAddress, Token));
        Assert.Equal((ConnectionError.UnsupportedAddress, ConnectionStep.Dial), (dial.Reason, dial.Step));
        Assert.Equal((ConnectionError.UnsupportedAddress, ConnectionStep.Listen), (listen.Reason, listen.Step));
    }

    [Fact]
    public async Task Dial_NobodyListens_FailsWithUnreachable()
    {
        ByteListener listener = await Transport.ListenAsync(AnyAddress, Token);
        await listener.DisposeAsync();
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(async () => await Transport.DialAsync(listener.Address, Token));
        Assert.Equal(ConnectionError.Unreachable, error.Reason);
        Assert.Equal(ConnectionStep.Dial, error.Step);
        Assert.Equal(Fault.Network, error.Fault);
    }

    [Fact]
    public async Task Dial_AlreadyCancelled_Throws()
    {
        await using ByteListener listener = await Transport.ListenAsync(AnyAddress, Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Transport.DialAsync(listener.Address, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Dial_AddressWithPeerId_IgnoresIt()
    {
        await using ByteListener listener = await Transport.ListenAsync(AnyAddress, Token);
        using var identity = PeerIdentity.Generate();
        Multiaddr address = listener.Address.WithPeerId(identity.PeerId);
        Assert.True(Transport.CanDial(address));
        await using ByteConnection connection = await Transport.DialAsync(address, Token);
        Assert.Equal(listener.Address, connection.RemoteAddress);
    }

    [Fact]
    public async Task Accept_ListenerDisposed_FailsWithClosed()
    {
        ByteListener listener = await Transport.ListenAsync(AnyAddress, Token);
        Task<ByteConnection> accepting = listener.AcceptAsync(Token).AsTask();
        await listener.DisposeAsync();
        ConnectionException pending = await Assert.ThrowsAsync<ConnectionException>(() => accepting);
        ConnectionException later = await Assert.ThrowsAsync<ConnectionException>(async () => await listener.AcceptAsync(Token));
        Assert.Equal((ConnectionError.Closed, ConnectionStep.Listen, Fault.Local), (pending.Reason, pending.Step, pending.Fault));
        Assert.Equal(ConnectionError.Closed, later.Reason);
    }

    [Fact]
    public async Task Accept_Cancelled_LeavesTheListenerUsable()
    {
        await using ByteListener listener = await Transport.ListenAsync(AnyAddress, Token);
        using var cancellation = new CancellationTokenSource();
        Task<ByteConnection> accepting = listener.AcceptAsync(cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accepting);
        await using ByteConnection dialled = await Transport.DialAsync(listener.Address, Token);
        await using ByteConnection accepted = await listener.AcceptAsync(Token);
    }

    [Fact]
    public async Task DisposedListener_AcceptedConnection_LivesOn()
    {
        await using Pair pair = await ConnectAsync();
        await pair.Listener.DisposeAsync();
        await pair.Near.SendAsync(new byte[] { 7 }, Token);
        Assert.Equal([7], await ReceiveExactlyAsync(pair.Far, 1));
    }

    [Fact]
    public async Task Addresses_OfBothEnds_MirrorEachOther()
    {
        await using Pair pair = await ConnectAsync();
        Assert.Equal(pair.Near.LocalAddress, pair.Far.RemoteAddress);
        Assert.Equal(pair.Far.LocalAddress, pair.Near.RemoteAddress);
    }

    [Fact]
    public async Task Bytes_BothWaysAtOnce_ArriveInOrder()
    {
        await using Pair pair = await ConnectAsync();
        byte[] there = Pattern(LargeSize, 1), back = Pattern(LargeSize, 2);
        Task sendThere = SendInPiecesAsync(pair.Near, there, 100_003);
        Task sendBack = pair.Far.SendAsync(back, Token).AsTask();
        Task<byte[]> receiveThere = ReceiveExactlyAsync(pair.Far, LargeSize);
        Task<byte[]> receiveBack = ReceiveExactlyAsync(pair.Near, LargeSize);
        await Task.WhenAll(sendThere, sendBack, receiveThere, receiveBack);
        Assert.True((await receiveThere).AsSpan().SequenceEqual(there));
        Assert.True((await receiveBack).AsSpan().SequenceEqual(back));
    }

    [Fact]
    public async Task Send_NobodyReceives_WaitsAndIsCancelled()
    {
        await using Pair pair = await ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        Task sending = SendForeverAsync(pair.Near, cancellation.Token);
        // No more can be in flight than both ends' buffers hold; that sending stops there shows in the test's coming to its end.
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    [Fact]
    public async Task Receive_Cancelled_LosesNoByte()
    {
        await using Pair pair = await ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        Task<int> receiving = pair.Far.ReceiveAsync(new byte[8], cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
        await pair.Near.SendAsync(new byte[] { 1, 2, 3 }, Token);
        Assert.Equal([1, 2, 3], await ReceiveExactlyAsync(pair.Far, 3));
    }

    [Fact]
    public async Task Receive_IntoNothing_IsTheCallersMistake()
    {
        await using Pair pair = await ConnectAsync();
        await Assert.ThrowsAsync<ArgumentException>(async () => await pair.Near.ReceiveAsync(Memory<byte>.Empty, Token));
    }

    [Fact]
    public async Task Send_Nothing_Completes()
    {
        await using Pair pair = await ConnectAsync();
        await pair.Near.SendAsync(ReadOnlyMemory<byte>.Empty, Token);
        await pair.Near.CompleteAsync();
        Assert.Equal(0, await pair.Far.ReceiveAsync(new byte[1], Token));
    }

    [Fact]
    public async Task Complete_OneDirection_LeavesTheOtherOpen()
    {
        await using Pair pair = await ConnectAsync();
        await pair.Near.SendAsync(new byte[] { 1, 2 }, Token);
        await pair.Near.CompleteAsync();
        await pair.Near.CompleteAsync();
        Assert.Equal([1, 2], await ReceiveToEndAsync(pair.Far));
        Assert.Equal(0, await pair.Far.ReceiveAsync(new byte[1], Token));
        byte[] answer = Pattern(LargeSize, 3);
        Task sending = pair.Far.SendAsync(answer, Token).AsTask();
        Assert.True((await ReceiveExactlyAsync(pair.Near, LargeSize)).AsSpan().SequenceEqual(answer));
        await sending;
    }

    [Fact]
    public async Task Send_AfterComplete_FailsWithClosed()
    {
        await using Pair pair = await ConnectAsync();
        await pair.Near.CompleteAsync();
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(async () => await pair.Near.SendAsync(new byte[1], Token));
        Assert.Equal(ConnectionError.Closed, error.Reason);
    }

    [Fact]
    public async Task WaitForData_Waits_UntilBytesAreThereAndTakesNone()
    {
        await using Pair pair = await ConnectAsync();
        Task waiting = pair.Far.WaitForDataAsync(Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await pair.Near.SendAsync(new byte[] { 1, 2, 3 }, Token);
        await waiting;
        await pair.Far.WaitForDataAsync(Token);
        Assert.Equal([1, 2, 3], await ReceiveExactlyAsync(pair.Far, 3));
    }

    [Fact]
    public async Task WaitForData_PeerCompletes_Completes()
    {
        await using Pair pair = await ConnectAsync();
        Task waiting = pair.Far.WaitForDataAsync(Token).AsTask();
        await pair.Near.CompleteAsync();
        await waiting;
        Assert.Equal(0, await pair.Far.ReceiveAsync(new byte[1], Token));
    }

    [Fact]
    public async Task WaitForData_PeerAborts_CompletesAndEveryReceiveFails()
    {
        await using Pair pair = await ConnectAsync();
        Task waiting = pair.Far.WaitForDataAsync(Token).AsTask();
        pair.Near.Abort();
        await waiting;
        for (int i = 0; i < 2; i++)
        {
            ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(async () => await pair.Far.ReceiveAsync(new byte[1], Token));
            Assert.Equal(ConnectionError.ConnectionLost, error.Reason);
        }
    }

    [Fact]
    public async Task WaitForData_Cancelled_LosesNothing()
    {
        await using Pair pair = await ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        Task waiting = pair.Far.WaitForDataAsync(cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await pair.Near.SendAsync(new byte[] { 9 }, Token);
        Assert.Equal([9], await ReceiveExactlyAsync(pair.Far, 1));
    }

    [Fact]
    public async Task Abort_PendingReceives_FailOnBothSides()
    {
        await using Pair pair = await ConnectAsync();
        Task<int> near = pair.Near.ReceiveAsync(new byte[1], Token).AsTask();
        Task<int> far = pair.Far.ReceiveAsync(new byte[1], Token).AsTask();
        pair.Near.Abort();
        pair.Near.Abort();
        ConnectionException here = await Assert.ThrowsAsync<ConnectionException>(() => near);
        ConnectionException there = await Assert.ThrowsAsync<ConnectionException>(() => far);
        Assert.Equal((ConnectionError.Closed, Fault.Local), (here.Reason, here.Fault));
        Assert.Equal((ConnectionError.ConnectionLost, Fault.Network), (there.Reason, there.Fault));
        Assert.Equal(ConnectionStep.Connection, there.Step);
    }

    [Fact]
    public async Task Abort_PendingSends_FailOnBothSides()
    {
        await using Pair pair = await ConnectAsync();
        Task near = SendForeverAsync(pair.Near, Token);
        Task far = SendForeverAsync(pair.Far, Token);
        pair.Near.Abort();
        ConnectionException here = await Assert.ThrowsAsync<ConnectionException>(() => near);
        ConnectionException there = await Assert.ThrowsAsync<ConnectionException>(() => far);
        Assert.Equal(ConnectionError.Closed, here.Reason);
        Assert.Equal(ConnectionError.ConnectionLost, there.Reason);
    }

    [Fact]
    public async Task Abort_ThenUse_FailsWithClosed()
    {
        await using Pair pair = await ConnectAsync();
        pair.Near.Abort();
        ConnectionException receive = await Assert.ThrowsAsync<ConnectionException>(async () => await pair.Near.ReceiveAsync(new byte[1], Token));
        ConnectionException send = await Assert.ThrowsAsync<ConnectionException>(async () => await pair.Near.SendAsync(new byte[1], Token));
        ConnectionException wait = await Assert.ThrowsAsync<ConnectionException>(async () => await pair.Near.WaitForDataAsync(Token));
        Assert.All([receive, send, wait], error => Assert.Equal(ConnectionError.Closed, error.Reason));
        await pair.Near.CompleteAsync();
    }

    [Fact]
    public async Task Dispose_AfterSending_StillDeliversEverything()
    {
        await using Pair pair = await ConnectAsync();
        byte[] data = Pattern(1_000, 4);
        await pair.Near.SendAsync(data, Token);
        await pair.Near.DisposeAsync();
        await pair.Near.DisposeAsync();
        Assert.True((await ReceiveToEndAsync(pair.Far)).AsSpan().SequenceEqual(data));
    }

    [Fact]
    public async Task Dispose_PendingReceive_FailsWithClosed()
    {
        await using Pair pair = await ConnectAsync();
        Task<int> receiving = pair.Near.ReceiveAsync(new byte[1], Token).AsTask();
        await pair.Near.DisposeAsync();
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(() => receiving);
        Assert.Equal(ConnectionError.Closed, error.Reason);
        Assert.Equal(Fault.Local, error.Fault);
    }

    [Fact]
    public async Task Dispose_InTheMiddleOfATransfer_PeerSeesAnEndOrALoss()
    {
        await using Pair pair = await ConnectAsync();
        Task sending = SendForeverAsync(pair.Near, Token);
        await ReceiveExactlyAsync(pair.Far, 10_000);
        await pair.Far.DisposeAsync();
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(() => sending);
        Assert.Equal(ConnectionError.ConnectionLost, error.Reason);
        Exception? seen = await Record.ExceptionAsync(async () => Assert.Empty(await ReceiveToEndAsync(pair.Near)));
        Assert.True(seen is null or ConnectionException { Reason: ConnectionError.ConnectionLost }, seen?.ToString());
    }

    [Fact]
    public async Task Connections_ManyAtOnce_KeepTheirBytesApart()
    {
        await using ByteListener listener = await Transport.ListenAsync(AnyAddress, Token);
        const int Count = 20;
        Task<ByteConnection>[] dialling = [.. Enumerable.Range(0, Count).Select(_ => Transport.DialAsync(listener.Address, Token).AsTask())];
        var accepted = new List<ByteConnection>();
        for (int i = 0; i < Count; i++) accepted.Add(await listener.AcceptAsync(Token));
        ByteConnection[] dialled = await Task.WhenAll(dialling);
        for (int i = 0; i < Count; i++) await dialled[i].SendAsync(new[] { (byte)i }, Token);
        foreach (ByteConnection far in accepted)
        {
            int index = Array.FindIndex(dialled, near => near.LocalAddress == far.RemoteAddress);
            Assert.Equal([(byte)index], await ReceiveExactlyAsync(far, 1));
        }

        foreach (ByteConnection connection in accepted.Concat(dialled)) await connection.DisposeAsync();
    }

    private static byte[] Pattern(int size, int seed)
    {
        byte[] bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task SendInPiecesAsync(ByteConnection connection, ReadOnlyMemory<byte> bytes, int pieceSize)
    {
        for (int at = 0; at < bytes.Length; at += pieceSize) await connection.SendAsync(bytes.Slice(at, Math.Min(pieceSize, bytes.Length - at)), Token);
    }

    private static async Task SendForeverAsync(ByteConnection connection, CancellationToken cancellationToken)
    {
        byte[] piece = new byte[64 * 1024];
        while (true) await connection.SendAsync(piece, cancellationToken);
    }

    private static async Task<byte[]> ReceiveExactlyAsync(ByteConnection connection, int size)
    {
        byte[] bytes = new byte[size];
        for (int at = 0; at < size;)
        {
            int received = await connection.ReceiveAsync(bytes.AsMemory(at), Token);
            Assert.NotEqual(0, received);
            at += received;
        }

        return bytes;
    }

    private static async Task<byte[]> ReceiveToEndAsync(ByteConnection connection)
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        while (await connection.ReceiveAsync(buffer, Token) is > 0 and int received) all.Write(buffer, 0, received);
        return all.ToArray();
    }

    private async Task<Pair> ConnectAsync()
    {
        ByteListener listener = await Transport.ListenAsync(AnyAddress, Token);
        Task<ByteConnection> accepting = listener.AcceptAsync(Token).AsTask();
        ByteConnection near = await Transport.DialAsync(listener.Address, Token);
        return new Pair(listener, near, await accepting);
    }

    private sealed record Pair(ByteListener Listener, ByteConnection Near, ByteConnection Far) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Near.DisposeAsync();
            await Far.DisposeAsync();
            await Listener.DisposeAsync();
        }
    }
}
