using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Memory;
using Overlay.Transport.Resources;
using Overlay.Transport.Tcp;

namespace Overlay.Transport.Tests.Resources;

/// <summary>The budget seen from outside: what a host refuses, with which words, and that it holds nothing afterwards.</summary>
public class HostLimitTests
{
    private const string Echo = "/echo/1.0.0", Chat = "/chat/1.0.0";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_NoOutboundConnectionLeft_FailsBeforeDiallingWithTheOptionsName()
    {
        await using var hosts = new Hosts();
        PeerHost a = hosts.Add(Hosts.Quiet(new ResourceOptions { Node = new() { MaxOutboundConnectionCount = 0 } })), b = hosts.Add();
        Multiaddr address = await Hosts.ListenAsync(b);

        var error = await Assert.ThrowsAsync<ConnectionException>(async () => await a.ConnectAsync(address, Cancellation));

        Assert.Equal((ConnectionError.LimitExceeded, ConnectionStep.Dial, Fault.Local), (error.Reason, error.Step, error.Fault));
        Assert.Equal("Resources.Node.MaxOutboundConnectionCount", error.Limit);
        Assert.Contains("0 outbound connections", error.Message, StringComparison.Ordinal);
        Assert.Equal(b.PeerId, error.Peer);
    }

    [Fact]
    public async Task Accept_HandshakesBeyondTheCap_TheOldestGivesWayAndTheSilentOnesTimeOut()
    {
        await using var hosts = new Hosts();
        PeerHost b = hosts.Add(Hosts.Quiet(new ResourceOptions { Transient = new() { MaxInboundConnectionCount = 2 } }));
        Multiaddr address = await Hosts.ListenAsync(b);
        var transport = new MemoryTransport(hosts.Network);
        await using ByteConnection first = await transport.DialAsync(address, Cancellation), second = await transport.DialAsync(address, Cancellation);
        await Hosts.UntilAsync(() => b.Resources.Transient.InboundConnectionCount == 2);

        await using ByteConnection third = await transport.DialAsync(address, Cancellation);
        await Assert.ThrowsAsync<ConnectionException>(async () => await first.ReceiveAsync(new byte[1], Cancellation));

        await Hosts.UntilAsync(() => b.Resources.Transient.InboundConnectionCount == 2);
        // A connection is counted a moment before its deadline begins, so the clock goes on until all have run out.
        await Hosts.UntilAsync(() =>
        {
            hosts.Time.Advance(new TransportOptions().UpgradeTimeout);
            return b.Resources.Node.ConnectionCount == 0;
        });
        await hosts.Add().ConnectAsync(address, Cancellation);
    }

    [Fact]
    public async Task Accept_PeerHasItsConnections_IsRefusedOnceItsNameIsKnown()
    {
        await using var hosts = new Hosts();
        PeerHost a = hosts.Add(), b = hosts.Add(Hosts.Quiet(new ResourceOptions { Peer = new() { MaxInboundConnectionCount = 1 } })), c = hosts.Add();
        Multiaddr address = await Hosts.ListenAsync(b);
        await a.ConnectAsync(address, Cancellation);
        await Hosts.UntilAsync(() => b.Connections.Count == 1);

        PeerConnection second = await a.ConnectAnewAsync(b.PeerId, [address], Cancellation);
        await Hosts.UntilAsync(() => second.Closed.IsCancellationRequested);

        await c.ConnectAsync(address, Cancellation);
        await Hosts.UntilAsync(() => b.Connections.Count == 2);
        Assert.Contains(new RefusalCount(ResourceScopeKind.Peer, ResourceKind.InboundConnections, 1), b.Resources.Refusals);
    }

    [Fact]
    public async Task OpenStream_PeersStreamsUsedUp_FailsUntilOneIsOver()
    {
        await using var hosts = new Hosts();
        PeerHost a = hosts.Add(Hosts.Quiet(new ResourceOptions { Peer = new() { MaxStreamCount = 1 } })), b = hosts.Add();
        b.Protocols.Handle(Echo, EchoAsync);
        PeerConnection connection = await a.ConnectAsync(await Hosts.ListenAsync(b), Cancellation);
        PeerStream first = await connection.OpenStreamAsync(Echo, Cancellation);

        var error = await Assert.ThrowsAsync<ConnectionException>(async () => await connection.OpenStreamAsync(Echo, Cancellation));

        Assert.Equal((ConnectionError.LimitExceeded, ConnectionStep.OpenStream), (error.Reason, error.Step));
        Assert.Equal("Resources.Peer.MaxStreamCount", error.Limit);
        await EndAsync(first);
        await Hosts.UntilAsync(() => a.Resources.Node.StreamCount == 0);
        await EndAsync(await connection.OpenStreamAsync(Echo, Cancellation));
    }

    [Fact]
    public async Task AcceptStream_ConnectionsStreamsUsedUp_ResetsTheSurplusAndNothingElse()
    {
        await using var hosts = new Hosts();
        PeerHost a = hosts.Add(), b = hosts.Add(Hosts.Quiet(new ResourceOptions { Connection = new() { MaxInboundStreamCount = 1 } }));
        b.Protocols.Handle(Echo, EchoAsync);
        PeerConnection connection = await a.ConnectAsync(await Hosts.ListenAsync(b), Cancellation);
        PeerStream first = await connection.OpenStreamAsync(Echo, Cancellation);
        await SayAsync(first);

        await using PeerStream second = await connection.OpenStreamAsync(Echo, Cancellation);
        var error = await Assert.ThrowsAsync<ConnectionException>(() => SayAsync(second));

        Assert.Equal(ConnectionError.StreamReset, error.Reason);
        await SayAsync(first);
        await EndAsync(first);
        await Hosts.UntilAsync(() => b.Resources.Node.StreamCount == 0);
        await using PeerStream third = await connection.OpenStreamAsync(Echo, Cancellation);
        await SayAsync(third);
    }

    [Fact]
    public async Task AcceptStream_ProtocolUsedUp_ResetsItsStreamsAndServesOthers()
    {
        await using var hosts = new Hosts();
        var limits = new Dictionary<string, ResourceLimits> { [Echo] = new() { MaxInboundStreamCount = 1 } };
        PeerHost a = hosts.Add(), c = hosts.Add(), b = hosts.Add(Hosts.Quiet(new ResourceOptions { Protocols = limits }));
        b.Protocols.Handle(Echo, EchoAsync);
        b.Protocols.Handle(Chat, EchoAsync);
        Multiaddr address = await Hosts.ListenAsync(b);
        PeerConnection fromA = await a.ConnectAsync(address, Cancellation), fromC = await c.ConnectAsync(address, Cancellation);
        await using PeerStream first = await fromA.OpenStreamAsync(Echo, Cancellation);
        await SayAsync(first);

        await using PeerStream second = await fromC.OpenStreamAsync(Echo, Cancellation);
        await Assert.ThrowsAsync<ConnectionException>(() => SayAsync(second));
        await using PeerStream other = await fromC.OpenStreamAsync(Chat, Cancellation);
        await SayAsync(other);

        Assert.Contains(new RefusalCount(ResourceScopeKind.Protocol, ResourceKind.InboundStreams, 1), b.Resources.Refusals);
    }

    [Fact]
    public async Task Listen_NoSocketLeft_IsRefusedAndGivenBackWithTheHost()
    {
        await using var hosts = new Hosts();
        PeerHost b = hosts.Add(Hosts.Quiet(new ResourceOptions { Node = new() { MaxDescriptorCount = 1 } }), new TcpTransport(), null);
        Multiaddr address = await Hosts.ListenAsync(b, "/ip4/127.0.0.1/tcp/0");

        var error = await Assert.ThrowsAsync<ConnectionException>(async () => await Hosts.ListenAsync(b, "/ip4/127.0.0.1/tcp/0"));

        Assert.Equal("Resources.Node.MaxDescriptorCount", error.Limit);
        // What dials has the connection until the other side closes it.
        PeerHost a = hosts.Add(Hosts.Quiet(), new TcpTransport(), null);
        await Assert.ThrowsAsync<ConnectionException>(async () => await a.ConnectAsync(address, Cancellation));
    }

    [Fact]
    public async Task Dial_OfManyKindsThatFail_LeavesNothingReserved()
    {
        await using var hosts = new Hosts();
        PeerHost a = hosts.Add(), b = hosts.Add();
        Multiaddr address = await Hosts.ListenAsync(b);
        var transport = new MemoryTransport(hosts.Network);
        await using ByteListener silent = await transport.ListenAsync(Multiaddr.Parse("/memory/5"), Cancellation);

        // Nobody there; somebody else there; nobody answers; given up; and a race that one address wins.
        await Assert.ThrowsAsync<ConnectionException>(async () => await a.ConnectAsync(b.PeerId, [Multiaddr.Parse("/memory/9")], Cancellation));
        await Assert.ThrowsAsync<ConnectionException>(async () => await a.ConnectAsync(Budgets.NewPeer(), [address.WithoutPeerId()], Cancellation));
        Task<PeerConnection> unanswered = a.ConnectAsync(Budgets.NewPeer(), [Multiaddr.Parse("/memory/5")], Cancellation).AsTask();
        await using (ByteConnection taken = await silent.AcceptAsync(Cancellation))
        {
            await taken.WaitForDataAsync(Cancellation);
            hosts.Time.Advance(new TransportOptions().UpgradeTimeout);
            await Assert.ThrowsAsync<ConnectionException>(() => unanswered);
        }

        using (var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Cancellation))
        {
            Task<PeerConnection> cancelled = a.ConnectAnewAsync(b.PeerId, [Multiaddr.Parse("/memory/5")], giveUp.Token).AsTask();
            await using ByteConnection taken = await silent.AcceptAsync(Cancellation);
            await taken.WaitForDataAsync(Cancellation);
            await giveUp.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        }

        await Hosts.UntilAsync(() => a.Resources.Node == default);
        Task<PeerConnection> racing = a.ConnectAnewAsync(b.PeerId, [Multiaddr.Parse("/memory/5"), Multiaddr.Parse("/memory/1")], Cancellation).AsTask();
        await using ByteConnection loser = await silent.AcceptAsync(Cancellation);
        await loser.WaitForDataAsync(Cancellation);
        Assert.Equal(1, a.Resources.Transient.OutboundConnectionCount);
        hosts.Time.Advance(new TransportOptions().DialStagger);
        await racing;
        await Hosts.UntilAsync(() => a.Resources.Node.ConnectionCount == 1);
        Assert.Equal(default, a.Resources.Transient);
    }

    [Fact]
    public async Task Accept_GarbageInsteadOfAHandshake_LeavesNothingReserved()
    {
        await using var hosts = new Hosts();
        PeerHost b = hosts.Add();
        Multiaddr address = await Hosts.ListenAsync(b);
        var transport = new MemoryTransport(hosts.Network);
        var random = new Random(7);

        for (int i = 0; i < 50; i++)
        {
            await using ByteConnection raw = await transport.DialAsync(address, Cancellation);
            byte[] garbage = new byte[random.Next(1, 3000)];
            random.NextBytes(garbage);
            try
            {
                await raw.SendAsync(garbage, Cancellation);
            }
            catch (ConnectionException)
            {
                // It has seen enough.
            }

            if (i % 2 == 0) raw.Abort();
        }

        // Connections are taken in turn: when this one is in, so were all the others.
        PeerConnection honest = await hosts.Add().ConnectAsync(address, Cancellation);
        await honest.CloseAsync(Cancellation);
        await Hosts.UntilAsync(() => b.Resources.Node == default);
        Budgets.AssertEmpty(b.Resources);
    }

    [Fact]
    public async Task Connection_WhileItStands_IsChargedToItsPeerOnBothSides()
    {
        await using var hosts = new Hosts();
        PeerHost a = hosts.Add(), b = hosts.Add();
        b.Protocols.Handle(Echo, EchoAsync);
        PeerConnection connection = await a.ConnectAsync(await Hosts.ListenAsync(b), Cancellation);
        await using PeerStream stream = await connection.OpenStreamAsync(Echo, Cancellation);
        await SayAsync(stream);

        KeyValuePair<PeerId, ResourceUsage> atA = Assert.Single(a.Resources.Peers), atB = Assert.Single(b.Resources.Peers);

        Assert.Equal((b.PeerId, 1, 1), (atA.Key, atA.Value.OutboundConnectionCount, atA.Value.OutboundStreamCount));
        Assert.Equal((a.PeerId, 1, 1), (atB.Key, atB.Value.InboundConnectionCount, atB.Value.InboundStreamCount));
        Assert.Equal(Echo, Assert.Single(b.Resources.Protocols).Key);
        Assert.Equal(new ResourceOptions().ConnectionMemorySize, atB.Value.MemorySize);
        Assert.Equal(default, b.Resources.Transient);
    }

    [Fact]
    public async Task Refusals_Measured_CarryScopeAndResourceAndNoPeer()
    {
        using var meters = new Meters();
        await using var hosts = new Hosts();
        using var identity = PeerIdentity.Generate();
        await using var b = new PeerHost(
            identity, Hosts.Quiet(new ResourceOptions { Node = new() { MaxInboundConnectionCount = 0 } }), [new MemoryTransport(hosts.Network)], hosts.Time, null, meters);
        using var collector = new MetricCollector<long>(meters, "Overlay.Transport", "overlay.transport.refusals");
        Multiaddr address = await Hosts.ListenAsync(b);

        await Assert.ThrowsAsync<ConnectionException>(async () => await hosts.Add().ConnectAsync(address, Cancellation));
        collector.RecordObservableInstruments();

        CollectedMeasurement<long> measured = Assert.Single(collector.GetMeasurementSnapshot());
        Assert.Equal(1, measured.Value);
        Assert.Equal(
            [KeyValuePair.Create<string, object?>("reason", "LimitExceeded"), new("resource", "InboundConnections"), new("scope", "Node")],
            measured.Tags.OrderBy(tag => tag.Key, StringComparer.Ordinal));
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

    /// <summary>Sends a byte and waits for it to come back.</summary>
    private static async Task SayAsync(PeerStream stream)
    {
        await stream.Output.WriteAsync(new byte[] { 1 }, Cancellation);
        ReadResult result = await stream.Input.ReadAtLeastAsync(1, Cancellation);
        stream.Input.AdvanceTo(result.Buffer.End);
    }

    private static async Task EndAsync(PeerStream stream)
    {
        await stream.Output.CompleteAsync();
        while (await stream.Input.ReadAsync(Cancellation) is { IsCompleted: false } result) stream.Input.AdvanceTo(result.Buffer.End);
        await stream.DisposeAsync();
        await stream.Completion;
    }

    private sealed class Meters : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            options.Scope = this;
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        public void Dispose()
        {
            foreach (Meter meter in _meters) meter.Dispose();
        }
    }
}
