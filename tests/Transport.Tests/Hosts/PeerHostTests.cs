using System.Buffers;
using System.IO.Pipelines;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Tests.Hosts;

public class PeerHostTests
{
    private const string Echo = "/echo/1.0.0";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_ExpectedPeer_BothSidesKnowEachOtherAndShareTheHandshakeHash()
    {
        await using var pair = new HostPair();
        var inbound = new TaskCompletionSource<PeerConnection>();
        pair.B.Protocols.Handle(Echo, (stream, _) =>
        {
            inbound.TrySetResult(stream.Connection);
            return Task.CompletedTask;
        });

        PeerConnection outbound = await pair.ConnectAsync();
        await using (PeerStream opened = await outbound.OpenStreamAsync(Echo, Cancellation))
        {
            await opened.Output.FlushAsync(Cancellation);
            PeerConnection other = await inbound.Task.WaitAsync(Cancellation);

            Assert.Equal(pair.B.PeerId, outbound.RemotePeer);
            Assert.Equal(pair.A.PeerId, other.RemotePeer);
            Assert.Equal(Direction.Outbound, outbound.Direction);
            Assert.Equal(Direction.Inbound, other.Direction);
            Assert.Equal(32, outbound.HandshakeHash.Length);
            Assert.True(outbound.HandshakeHash.Span.SequenceEqual(other.HandshakeHash.Span));
        }
    }

    [Fact]
    public async Task Connect_SomebodyElseAtTheAddress_IsWrongPeer()
    {
        await using var pair = new HostPair();
        Multiaddr address = await pair.B.ListenAsync(Multiaddr.Parse("/memory/1"), Cancellation);
        using var stranger = PeerIdentity.Generate();

        var error = await Assert.ThrowsAsync<ConnectionException>(
            async () => await pair.A.ConnectAsync(address.WithoutPeerId().WithPeerId(stranger.PeerId), Cancellation));

        Assert.Equal(ConnectionError.WrongPeer, error.Reason);
        Assert.Equal(ConnectionStep.SecurityHandshake, error.Step);
        Assert.Empty(pair.A.Connections);
    }

    [Fact]
    public async Task Connect_AddressWithoutPeer_IsTheCallersMistake()
    {
        await using var pair = new HostPair();

        await Assert.ThrowsAsync<ArgumentException>(async () => await pair.A.ConnectAsync(Multiaddr.Parse("/memory/1"), Cancellation));
    }

    [Fact]
    public async Task Connect_NobodyListens_IsUnreachableAtDial()
    {
        await using var pair = new HostPair();

        var error = await Assert.ThrowsAsync<ConnectionException>(
            async () => await pair.A.ConnectAsync(pair.B.PeerId, [Multiaddr.Parse("/memory/9")], Cancellation));

        Assert.Equal(ConnectionError.Unreachable, error.Reason);
        Assert.Equal(ConnectionStep.Dial, error.Step);
    }

    [Fact]
    public async Task Connect_SilentListener_TimesOutAtTheStepItIsIn()
    {
        await using var pair = new HostPair();
        var silent = new Memory.MemoryTransport(pair.Network);
        await using ByteListener listener = await silent.ListenAsync(Multiaddr.Parse("/memory/5"), Cancellation);
        Task<PeerConnection> connecting = pair.A.ConnectAsync(pair.B.PeerId, [Multiaddr.Parse("/memory/5")], Cancellation).AsTask();
        await using ByteConnection taken = await listener.AcceptAsync(Cancellation);
        await taken.WaitForDataAsync(Cancellation);

        pair.Time.Advance(new TransportOptions().UpgradeTimeout);

        var error = await Assert.ThrowsAsync<ConnectionException>(() => connecting);
        Assert.Equal(ConnectionError.Timeout, error.Reason);
        Assert.Equal(ConnectionStep.NegotiateSecurity, error.Step);
    }

    [Fact]
    public async Task Connect_FirstAddressSilent_SecondIsTriedAfterTheStagger()
    {
        await using var pair = new HostPair();
        var silent = new Memory.MemoryTransport(pair.Network);
        await using ByteListener listener = await silent.ListenAsync(Multiaddr.Parse("/memory/5"), Cancellation);
        await pair.B.ListenAsync(Multiaddr.Parse("/memory/1"), Cancellation);

        Task<PeerConnection> connecting = pair.A.ConnectAsync(pair.B.PeerId, [Multiaddr.Parse("/memory/5"), Multiaddr.Parse("/memory/1")], Cancellation).AsTask();
        await using ByteConnection taken = await listener.AcceptAsync(Cancellation);
        await taken.WaitForDataAsync(Cancellation);
        Assert.False(connecting.IsCompleted);
        pair.Time.Advance(new TransportOptions().DialStagger);

        PeerConnection connection = await connecting;
        Assert.Equal("/memory/1", connection.RemoteAddress.ToString());
    }

    [Fact]
    public async Task Connect_FirstAddressRefused_SecondIsTriedAtOnce()
    {
        await using var pair = new HostPair();
        await pair.B.ListenAsync(Multiaddr.Parse("/memory/1"), Cancellation);

        PeerConnection connection = await pair.A.ConnectAsync(pair.B.PeerId, [Multiaddr.Parse("/memory/5"), Multiaddr.Parse("/memory/1")], Cancellation);

        Assert.Equal(pair.B.PeerId, connection.RemotePeer);
    }

    [Fact]
    public async Task Connect_AskedTwiceAtOnce_SharesOneConnection()
    {
        await using var pair = new HostPair();
        Multiaddr address = await pair.B.ListenAsync(Multiaddr.Parse("/memory/1"), Cancellation);

        Task<PeerConnection> first = pair.A.ConnectAsync(address, Cancellation).AsTask();
        Task<PeerConnection> second = pair.A.ConnectAsync(address, Cancellation).AsTask();

        Assert.Same(await first, await second);
        Assert.Single(pair.A.Connections);
    }

    [Fact]
    public async Task Connect_DialOfAnotherCallerFails_TriesTheOwnAddresses()
    {
        await using var pair = new HostPair();
        Multiaddr real = await pair.B.ListenAsync(Multiaddr.Parse("/memory/1"), Cancellation);
        await using ByteListener listener = await new Memory.MemoryTransport(pair.Network).ListenAsync(Multiaddr.Parse("/memory/5"), Cancellation);
        Task<PeerConnection> first = pair.A.ConnectAsync(pair.B.PeerId, [Multiaddr.Parse("/memory/5")], Cancellation).AsTask();
        ByteConnection taken = await listener.AcceptAsync(Cancellation);
        Task<PeerConnection> second = pair.A.ConnectAsync(real, Cancellation).AsTask();
        Task<PeerConnection> same = pair.A.ConnectAsync(pair.B.PeerId, [Multiaddr.Parse("/memory/5")], Cancellation).AsTask();

        await taken.DisposeAsync();

        await Assert.ThrowsAsync<ConnectionException>(() => first);
        // Whoever knows no better address hears of the failure.
        await Assert.ThrowsAsync<ConnectionException>(() => same);
        Assert.Equal(pair.B.PeerId, (await second).RemotePeer);
    }

    [Fact]
    public async Task ConnectAnew_Connected_OpensOneMoreConnection()
    {
        await using var pair = new HostPair();
        PeerConnection first = await pair.ConnectAsync();

        await pair.A.ConnectAnewAsync(pair.B.PeerId, [Multiaddr.Parse("/memory/1")], Cancellation);

        Assert.Equal(2, pair.A.Connections.Count);
        Assert.False(first.Closed.IsCancellationRequested);
    }

    [Fact]
    public async Task ConnectAnew_OverTheLimitOfThePeer_IsRefused()
    {
        await using var pair = new HostPair(new TransportOptions { Resources = new ResourceOptions { Peer = new ResourceLimits { MaxConnectionCount = 1 } } });
        await pair.ConnectAsync();

        var error = await Assert.ThrowsAsync<ConnectionException>(
            async () => await pair.A.ConnectAnewAsync(pair.B.PeerId, [Multiaddr.Parse("/memory/1")], Cancellation));

        Assert.Equal(ConnectionError.LimitExceeded, error.Reason);
        Assert.Single(pair.A.Connections);
    }

    [Fact]
    public async Task SimultaneousDial_BothSides_PreferTheSameConnection()
    {
        await using var pair = new HostPair();
        Multiaddr a = await pair.A.ListenAsync(Multiaddr.Parse("/memory/1"), Cancellation);
        Multiaddr b = await pair.B.ListenAsync(Multiaddr.Parse("/memory/2"), Cancellation);

        Task<PeerConnection> fromA = pair.A.ConnectAsync(b, Cancellation).AsTask();
        Task<PeerConnection> fromB = pair.B.ConnectAsync(a, Cancellation).AsTask();
        await Task.WhenAll(fromA, fromB);
        // A stream each way goes through only once both tables know all connections that there are.
        await foreach (TimeSpan _ in pair.A.PingAsync(await fromA, 1, Cancellation)) { }
        await foreach (TimeSpan _ in pair.B.PingAsync(await fromB, 1, Cancellation)) { }

        PeerConnection preferredByA = pair.A.FindConnection(pair.B.PeerId)!;
        PeerConnection preferredByB = pair.B.FindConnection(pair.A.PeerId)!;
        Assert.True(preferredByA.HandshakeHash.Span.SequenceEqual(preferredByB.HandshakeHash.Span));
    }

    [Fact]
    public async Task ConnectAnew_BothSides_KeepEveryConnection()
    {
        await using var pair = new HostPair();
        PeerConnection first = await pair.ConnectAsync();
        await foreach (TimeSpan _ in pair.A.PingAsync(first, 1, Cancellation)) { }
        Multiaddr a = await pair.A.ListenAsync(Multiaddr.Parse("/memory/2"), Cancellation);

        PeerConnection back = await pair.B.ConnectAnewAsync(pair.A.PeerId, [a], Cancellation);
        await foreach (TimeSpan _ in pair.B.PingAsync(back, 1, Cancellation)) { }

        Assert.Equal(2, pair.A.Connections.Count);
        Assert.Equal(2, pair.B.Connections.Count);
    }

    [Fact]
    public async Task OpenStream_KnownProtocol_CarriesBytesBothWaysAndCountsThemAlike()
    {
        await using var pair = new HostPair();
        var served = new TaskCompletionSource<PeerStream>();
        pair.B.Protocols.Handle(Echo, async (stream, ct) =>
        {
            await EchoAsync(stream, ct);
            await stream.Completion;
            served.SetResult(stream);
        });
        PeerConnection connection = await pair.ConnectAsync();
        byte[] sent = new byte[300_000];
        new Random(1).NextBytes(sent);

        await using PeerStream stream = await connection.OpenStreamAsync(Echo, Cancellation);
        Task writing = WriteAllAsync(stream, sent);
        byte[] received = await ReadAllAsync(stream.Input);
        await writing;
        await stream.Completion;
        PeerStream other = await served.Task;

        Assert.Equal(sent, received);
        Assert.Equal(sent.Length, stream.BytesSent);
        Assert.Equal(sent.Length, stream.BytesReceived);
        Assert.Equal(sent.Length, other.BytesSent);
        Assert.Equal(sent.Length, other.BytesReceived);
    }

    [Fact]
    public async Task OpenStream_UnknownProtocol_FailsAtTheFirstRead()
    {
        await using var pair = new HostPair();
        PeerConnection connection = await pair.ConnectAsync();

        await using PeerStream stream = await connection.OpenStreamAsync("/nobody/1.0.0", Cancellation);
        var error = await Assert.ThrowsAsync<ConnectionException>(async () => await stream.Input.ReadAsync(Cancellation));

        Assert.Equal(ConnectionError.ProtocolNotSupported, error.Reason);
        Assert.Equal(ConnectionStep.NegotiateProtocol, error.Step);
        Assert.False(connection.Closed.IsCancellationRequested);
    }

    [Fact]
    public async Task OpenStream_HandlerThrows_ResetsTheStreamAndNothingElse()
    {
        await using var pair = new HostPair();
        pair.B.Protocols.Handle("/broken/1.0.0", (_, _) => throw new InvalidOperationException("A handler's mistake."));
        pair.B.Protocols.Handle(Echo, EchoAsync);
        PeerConnection connection = await pair.ConnectAsync();

        await using PeerStream broken = await connection.OpenStreamAsync("/broken/1.0.0", Cancellation);
        await Assert.ThrowsAsync<ConnectionException>(() => ReadAllAsync(broken.Input));
        await using PeerStream sound = await connection.OpenStreamAsync(Echo, Cancellation);
        await WriteAllAsync(sound, [1, 2, 3]);

        Assert.Equal([1, 2, 3], await ReadAllAsync(sound.Input));
    }

    /// <summary>A host's handler may do what it likes with its thread: what else the connection carries does not wait for it.</summary>
    [Fact]
    public async Task OpenStream_HandlerKeepsItsThread_OtherStreamsGoOn()
    {
        await using var pair = new HostPair();
        using var release = new ManualResetEventSlim();
        pair.B.Protocols.Handle("/blocking/1.0.0", (_, _) =>
        {
            release.Wait(Cancellation);
            return Task.CompletedTask;
        });
        pair.B.Protocols.Handle(Echo, EchoAsync);
        PeerConnection connection = await pair.ConnectAsync();
        try
        {
            await using PeerStream blocked = await connection.OpenStreamAsync("/blocking/1.0.0", Cancellation);
            await blocked.Output.FlushAsync(Cancellation);
            await using PeerStream sound = await connection.OpenStreamAsync(Echo, Cancellation);
            await WriteAllAsync(sound, [1, 2, 3]);

            Assert.Equal([1, 2, 3], await ReadAllAsync(sound.Input));
        }
        finally
        {
            release.Set();
        }
    }

    [Fact]
    public async Task OpenStream_OverTheProtocolsLimit_IsReset()
    {
        await using var pair = new HostPair();
        pair.B.Protocols.Handle(Echo, EchoAsync, maxStreamsPerConnection: 1);
        PeerConnection connection = await pair.ConnectAsync();

        await using PeerStream first = await connection.OpenStreamAsync(Echo, Cancellation);
        await first.Output.WriteAsync(new byte[] { 1 }, Cancellation);
        await first.Input.ReadAtLeastAsync(1, Cancellation);
        await using PeerStream second = await connection.OpenStreamAsync(Echo, Cancellation);

        await Assert.ThrowsAsync<ConnectionException>(() => ReadAllAsync(second.Input));
    }

    [Fact]
    public async Task Identify_AfterConnect_TellsProtocolsAddressesAndASignedRecord()
    {
        await using var pair = new HostPair();
        pair.B.Protocols.Handle(Echo, EchoAsync);
        PeerConnection connection = await pair.ConnectAsync();

        PeerInfo info = await pair.A.IdentifyAsync(connection, Cancellation);

        Assert.Equal(pair.B.PeerId, info.PeerId);
        Assert.Contains(Echo, info.Protocols);
        Assert.Contains("/ipfs/ping/1.0.0", info.Protocols);
        Assert.Equal("/memory/1", Assert.Single(info.ListenAddresses).ToString());
        Assert.StartsWith("overlay/", info.AgentVersion, StringComparison.Ordinal);
        Assert.False(info.SignedPeerRecord.IsEmpty);
        Assert.NotNull(info.ObservedAddress);
    }

    [Fact]
    public async Task Ping_ConnectedPeer_ComesBack()
    {
        await using var pair = new HostPair();
        PeerConnection connection = await pair.ConnectAsync();
        int count = 0;

        await foreach (TimeSpan roundTrip in pair.A.PingAsync(connection, 3, Cancellation))
        {
            Assert.True(roundTrip >= TimeSpan.Zero);
            count++;
        }

        Assert.Equal(3, count);
    }

    [Theory]
    [InlineData(0UL, 0UL)]
    [InlineData(1_000_000UL, 0UL)]
    [InlineData(0UL, 1_000_000UL)]
    [InlineData(70_000UL, 3_000_000UL)]
    public async Task Perf_SwitchedOn_MovesExactlyTheBytesAskedFor(ulong upload, ulong download)
    {
        await using var pair = new HostPair(optionsB: new TransportOptions { ServePerf = true });
        PeerConnection connection = await pair.ConnectAsync();
        long moved = 0;

        await pair.A.MeasureAsync(connection, upload, download, new Sum(count => moved += count), Cancellation);

        Assert.Equal((long)(upload + download), moved);
    }

    [Fact]
    public async Task Perf_NotSwitchedOn_IsRefused()
    {
        await using var pair = new HostPair();
        PeerConnection connection = await pair.ConnectAsync();

        var error = await Assert.ThrowsAsync<ConnectionException>(async () => await pair.A.MeasureAsync(connection, 0, 10, null, Cancellation));

        Assert.Equal(ConnectionError.ProtocolNotSupported, error.Reason);
    }

    [Fact]
    public async Task Dispose_OpenConnections_ClosesThemOnBothSides()
    {
        await using var pair = new HostPair();
        PeerConnection connection = await pair.ConnectAsync();
        var closed = new TaskCompletionSource();
        using CancellationTokenRegistration registration = connection.Closed.Register(() => closed.TrySetResult());

        await pair.B.DisposeAsync();
        await closed.Task.WaitAsync(Cancellation);

        Assert.Empty(pair.B.Connections);
    }

    [Fact]
    public async Task Accept_MoreConnectionsThanAllowed_RefusesTheSurplus()
    {
        await using var pair = new HostPair(optionsB: new TransportOptions { Resources = new ResourceOptions { Node = new ResourceLimits { MaxConnectionCount = 1 } } });
        PeerConnection first = await pair.ConnectAsync();
        await foreach (TimeSpan _ in pair.A.PingAsync(first, 1, Cancellation))
        {
            // An answered ping says that B, too, has taken the connection into its table.
        }

        using var third = PeerIdentity.Generate();
        await using var other = new PeerHost(third, null, [new Memory.MemoryTransport(pair.Network)], pair.Time);

        await Assert.ThrowsAsync<ConnectionException>(async () => await other.ConnectAsync(pair.B.PeerId, [Multiaddr.Parse("/memory/1")], Cancellation));

        Assert.Single(pair.B.Connections);
    }

    private static async Task EchoAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await stream.Input.ReadAsync(cancellationToken);
            foreach (ReadOnlyMemory<byte> piece in result.Buffer) await stream.Output.WriteAsync(piece, cancellationToken);
            stream.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) break;
        }

        await stream.Output.CompleteAsync();
    }

    private static async Task WriteAllAsync(PeerStream stream, byte[] bytes)
    {
        await stream.Output.WriteAsync(bytes, Cancellation);
        await stream.Output.CompleteAsync();
    }

    private static async Task<byte[]> ReadAllAsync(PipeReader input)
    {
        var all = new ArrayBufferWriter<byte>();
        while (true)
        {
            ReadResult result = await input.ReadAsync(Cancellation);
            foreach (ReadOnlyMemory<byte> piece in result.Buffer) all.Write(piece.Span);
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return all.WrittenSpan.ToArray();
        }
    }

    private sealed class Sum(Action<long> add) : IProgress<long>
    {
        public void Report(long value) => add(value);
    }
}
