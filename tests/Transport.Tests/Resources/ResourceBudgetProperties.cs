using System.Net;
using CsCheck;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Tests.Resources;

/// <summary>Whatever is claimed, moved and given back, in whatever order: no limit is passed, the sums are those of what is open, and all returns to zero.</summary>
public class ResourceBudgetProperties
{
    private static readonly ResourceLimits s_prefix = new() { MaxMemorySize = 1200, MaxConnectionCount = 4, MaxStreamCount = 8, MaxInboundStreamCount = 6 };

    private static readonly ResourceOptions s_tight = new()
    {
        Node = new() { MaxMemorySize = 2000, MaxConnectionCount = 9, MaxInboundConnectionCount = 7, MaxOutboundConnectionCount = 6, MaxStreamCount = 14, MaxInboundStreamCount = 10, MaxDescriptorCount = 8 },
        Transient = new() { MaxMemorySize = 900, MaxConnectionCount = 5, MaxInboundConnectionCount = 4, MaxStreamCount = 4 },
        Peer = new() { MaxMemorySize = 1000, MaxConnectionCount = 3, MaxStreamCount = 7, MaxOutboundStreamCount = 5 },
        Connection = new() { MaxMemorySize = 700, MaxStreamCount = 5 },
        Protocol = new() { MaxStreamCount = 6 },
        ProtocolPeer = new() { MaxStreamCount = 3 },
        PrefixRules = [new PrefixRule(IPNetwork.Parse("0.0.0.0/0"), 32) { Limits = s_prefix }],
        ConnectionMemorySize = 100,
    };

    private static readonly PeerId[] s_peers = [.. Enumerable.Range(0, 4).Select(_ => Budgets.NewPeer())];
    private static readonly Multiaddr[] s_addresses = [Budgets.Address("192.0.2.1"), Budgets.Address("192.0.2.2"), Budgets.Address("192.0.2.3"), Multiaddr.Parse("/memory/7")];
    private static readonly string[] s_prefixes = ["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"];
    private static readonly string[] s_protocols = ["/a", "/b"];

    // What is done, and with which of the things that are open.
    private static readonly Gen<(int Step, int Which, int Choice)[]> s_histories = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 50], Gen.Int[0, 400]).Array[0, 300];

    [Fact]
    public void AnyHistory_OneThread_KeepsEveryLimitAndTheSums() => s_histories.Sample(history =>
    {
        ResourceBudget budget = Budgets.Create(s_tight);
        var claims = new Claims(budget);
        foreach ((int step, int which, int choice) in history)
        {
            claims.Do(step, which, choice);
            ResourceSnapshot snapshot = budget.TakeSnapshot();
            AssertWithinLimits(snapshot);
            Assert.Equal(claims.Sum(), snapshot.Node);
            foreach ((PeerId peer, ResourceUsage usage) in snapshot.Peers) Assert.Equal(claims.Sum(peer), usage);
            foreach (string prefix in s_prefixes) Assert.Equal(claims.Sum(null, prefix), snapshot.Prefixes.FirstOrDefault(pair => pair.Key == prefix).Value);
        }

        claims.EndAll();
        Budgets.AssertEmpty(budget.TakeSnapshot());
    });

    [Fact]
    public async Task AnyHistory_ManyThreads_KeepsEveryLimitAndEndsEmpty()
    {
        ResourceBudget budget = Budgets.Create(s_tight);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task watching = Task.Run(() =>
        {
            while (!over.IsCancellationRequested) AssertWithinLimits(budget.TakeSnapshot());
        }, TestContext.Current.CancellationToken);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(() => LiveThrough(budget, seed), TestContext.Current.CancellationToken)));

        await over.CancelAsync();
        await watching;
        Budgets.AssertEmpty(budget.TakeSnapshot());
    }

    [Fact]
    public async Task OneClaim_EndedByManyThreadsAtOnce_IsGivenBackOnce()
    {
        ResourceBudget budget = Budgets.Create(s_tight);
        for (int i = 0; i < 500; i++)
        {
            ConnectionScope connection = budget.Connect(s_peers[0]);
            StreamScope stream = connection.Accept("/a");
            Assert.True(connection.TryReserve(50));

            Action[] ends = [connection.Dispose, stream.Dispose, () => connection.Release(50), connection.Dispose, stream.Dispose];
            using var gate = new Barrier(ends.Length);
            await Task.WhenAll(ends.Select(end => Task.Factory.StartNew(
                () =>
                {
                    gate.SignalAndWait();
                    end();
                },
                TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

            Budgets.AssertEmpty(budget.TakeSnapshot());
        }
    }

    private static void LiveThrough(ResourceBudget budget, int seed)
    {
        var random = new Random(seed);
        var claims = new Claims(budget);
        for (int i = 0; i < 50_000; i++) claims.Do(random.Next(10), random.Next(50), random.Next(400));
        claims.EndAll();
    }

    private static void AssertWithinLimits(ResourceSnapshot snapshot)
    {
        AssertWithin(snapshot.Node, s_tight.Node);
        AssertWithin(snapshot.Transient, s_tight.Transient);
        foreach ((_, ResourceUsage usage) in snapshot.Peers) AssertWithin(usage, s_tight.Peer);
        foreach ((_, ResourceUsage usage) in snapshot.Prefixes) AssertWithin(usage, s_prefix);
        foreach ((_, ResourceUsage usage) in snapshot.Protocols) AssertWithin(usage, s_tight.Protocol);
    }

    private static void AssertWithin(ResourceUsage usage, ResourceLimits limits)
    {
        Assert.InRange(usage.MemorySize, 0, limits.MaxMemorySize);
        Assert.InRange(usage.InboundConnectionCount, 0, limits.MaxInboundConnectionCount);
        Assert.InRange(usage.OutboundConnectionCount, 0, limits.MaxOutboundConnectionCount);
        Assert.InRange(usage.ConnectionCount, 0, limits.MaxConnectionCount);
        Assert.InRange(usage.InboundStreamCount, 0, limits.MaxInboundStreamCount);
        Assert.InRange(usage.OutboundStreamCount, 0, limits.MaxOutboundStreamCount);
        Assert.InRange(usage.StreamCount, 0, limits.MaxStreamCount);
        Assert.InRange(usage.DescriptorCount, 0, limits.MaxDescriptorCount);
    }

    /// <summary>What one history has open, counted beside the budget.</summary>
    private sealed class Claims(ResourceBudget budget)
    {
        private readonly List<Claimed> _connections = [];
        private readonly List<(StreamScope Scope, Claimed Connection, Direction Direction)> _streams = [];

        internal void Do(int step, int which, int choice)
        {
            Claimed? connection = _connections.Count == 0 ? null : _connections[which % _connections.Count];
            switch (step)
            {
                case 0 or 1:
                    Direction direction = choice % 2 == 0 ? Direction.Inbound : Direction.Outbound;
                    if (budget.TryOpenConnection(direction, s_addresses[which % 4], out ConnectionScope? opened, out _))
                        _connections.Add(new Claimed(opened, direction, which % 4 == 3 ? null : s_prefixes[which % 4]));
                    break;
                case 2 or 3 when connection is { Peer: null }:
                    PeerId peer = s_peers[choice % 4];
                    if (connection.Scope.TrySetPeer(peer, out _)) connection.Peer = peer;
                    break;
                case 4 when connection is not null:
                    if (connection.Scope.TryReserve(choice)) connection.Memory += choice;
                    break;
                case 5 when connection is not null:
                    int size = Math.Min(choice, connection.Memory);
                    connection.Scope.Release(size);
                    connection.Memory -= size;
                    break;
                case 6 when connection is { Peer: not null }:
                    if (!connection.Scope.TryAcceptStream(out StreamScope? accepted, out _)) break;
                    _streams.Add((accepted, connection, Direction.Inbound));
                    if (choice % 3 > 0) accepted.TrySetProtocol(s_protocols[choice % 2], out _);
                    break;
                case 7 when connection is { Peer: not null }:
                    if (connection.Scope.TryOpenStream(s_protocols[choice % 2], out StreamScope? stream, out _)) _streams.Add((stream, connection, Direction.Outbound));
                    break;
                case 8 when _streams.Count > 0:
                    int at = which % _streams.Count;
                    _streams[at].Scope.Dispose();
                    if (choice % 2 == 0) _streams[at].Scope.Dispose();
                    _streams.RemoveAt(at);
                    break;
                case 9 when connection is not null:
                    connection.Scope.Dispose();
                    if (choice % 2 == 0) connection.Scope.Dispose();
                    // What comes late must change nothing.
                    connection.Scope.Release(connection.Memory);
                    _connections.Remove(connection);
                    break;
            }
        }

        internal ResourceUsage Sum(PeerId? peer = null, string? prefix = null)
        {
            bool Counts(Claimed claimed) => (peer is null || claimed.Peer == peer) && (prefix is null || claimed.Prefix == prefix);
            Claimed[] connections = [.. _connections.Where(Counts)];
            (StreamScope, Claimed, Direction Direction)[] streams = [.. _streams.Where(s => Counts(s.Connection))];
            return new ResourceUsage
            {
                MemorySize = connections.Sum(c => c.Memory + 100L),
                InboundConnectionCount = connections.Count(c => c.Direction == Direction.Inbound),
                OutboundConnectionCount = connections.Count(c => c.Direction == Direction.Outbound),
                InboundStreamCount = streams.Count(s => s.Direction == Direction.Inbound),
                OutboundStreamCount = streams.Count(s => s.Direction == Direction.Outbound),
                DescriptorCount = connections.Count(c => c.Prefix is not null),
            };
        }

        internal void EndAll()
        {
            foreach (Claimed connection in _connections) connection.Scope.Dispose();
            foreach ((StreamScope scope, _, _) in _streams) scope.Dispose();
        }
    }

    private sealed class Claimed(ConnectionScope scope, Direction direction, string? prefix)
    {
        internal ConnectionScope Scope => scope;

        internal Direction Direction => direction;

        /// <summary>The prefix of its address; null for one without a socket.</summary>
        internal string? Prefix => prefix;

        internal PeerId? Peer { get; set; }

        internal int Memory { get; set; }
    }
}
