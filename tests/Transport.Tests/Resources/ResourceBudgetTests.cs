using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Tests.Resources;

public class ResourceBudgetTests
{
    private const string Chat = "/chat/1.0.0", Echo = "/echo/1.0.0";

    [Theory]
    [InlineData(ResourceKind.Connections)]
    [InlineData(ResourceKind.InboundConnections)]
    [InlineData(ResourceKind.Descriptors)]
    [InlineData(ResourceKind.Memory)]
    public void Connection_NodeIsFull_IsRefusedAndFitsAgainAfterOneEnds(ResourceKind resource)
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Node = OnlyOne(resource), ConnectionMemorySize = 1 });
        ConnectionScope first = budget.Connect();

        ResourceRefusal refusal = budget.RefuseConnection();

        Assert.Equal((ResourceScopeKind.Node, resource), (refusal.Scope, refusal.Resource));
        first.Dispose();
        budget.Connect().Dispose();
        Budgets.AssertEmpty(budget.TakeSnapshot());
    }

    [Theory]
    [InlineData(ResourceKind.Connections)]
    [InlineData(ResourceKind.InboundConnections)]
    [InlineData(ResourceKind.Descriptors)]
    [InlineData(ResourceKind.Memory)]
    public void Connection_TooManyHandshakes_IsRefusedUntilOnePeerIsKnown(ResourceKind resource)
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Transient = OnlyOne(resource), ConnectionMemorySize = 1 });
        using ConnectionScope first = budget.Connect();

        ResourceRefusal refusal = budget.RefuseConnection();

        Assert.Equal((ResourceScopeKind.Transient, resource), (refusal.Scope, refusal.Resource));
        Assert.True(first.TrySetPeer(Budgets.NewPeer(), out _));
        budget.Connect().Dispose();
    }

    [Fact]
    public void Connection_OutboundLimit_LeavesInboundAlone()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Node = new() { MaxOutboundConnectionCount = 1 } });
        using ConnectionScope first = budget.Connect(direction: Direction.Outbound);

        Assert.Equal(ResourceKind.OutboundConnections, budget.RefuseConnection(Direction.Outbound).Resource);
        budget.Connect().Dispose();
    }

    [Fact]
    public void Connection_InMemory_CostsNoDescriptor()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Node = new() { MaxDescriptorCount = 0 } });

        Assert.True(budget.TryOpenConnection(Direction.Inbound, Multiaddr.Parse("/memory/1"), out ConnectionScope? scope, out _));
        scope.Dispose();
    }

    [Theory]
    [InlineData(ResourceKind.Connections)]
    [InlineData(ResourceKind.InboundConnections)]
    [InlineData(ResourceKind.Descriptors)]
    [InlineData(ResourceKind.Memory)]
    public void SetPeer_PeerIsFull_IsRefusedAndTheConnectionStaysTransient(ResourceKind resource)
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Peer = OnlyOne(resource), ConnectionMemorySize = 1 });
        PeerId peer = Budgets.NewPeer();
        using ConnectionScope first = budget.Connect(peer);
        using ConnectionScope second = budget.Connect();

        Assert.False(second.TrySetPeer(peer, out ResourceRefusal refusal));

        Assert.Equal((ResourceScopeKind.Peer, resource), (refusal.Scope, refusal.Resource));
        Assert.Equal(1, budget.TakeSnapshot().Transient.ConnectionCount);
        Assert.True(second.TrySetPeer(Budgets.NewPeer(), out _));
    }

    [Fact]
    public void SetPeer_Known_MovesEverythingFromTransientToThePeer()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { ConnectionMemorySize = 100 });
        PeerId peer = Budgets.NewPeer();
        using ConnectionScope connection = budget.Connect();
        Assert.True(connection.TryReserve(11));

        Assert.True(connection.TrySetPeer(peer, out _));

        ResourceSnapshot snapshot = budget.TakeSnapshot();
        var all = new ResourceUsage { MemorySize = 111, InboundConnectionCount = 1, DescriptorCount = 1 };
        Assert.Equal(default, snapshot.Transient);
        Assert.Equal(all, snapshot.Node);
        Assert.Equal(KeyValuePair.Create(peer, all), Assert.Single(snapshot.Peers));
    }

    [Theory]
    [InlineData(ResourceScopeKind.Connection)]
    [InlineData(ResourceScopeKind.Peer)]
    [InlineData(ResourceScopeKind.Node)]
    public void Memory_OneScopeIsFull_IsReservedInNone(ResourceScopeKind full)
    {
        ResourceLimits ten = new() { MaxMemorySize = 10 };
        ResourceOptions options = full switch
        {
            ResourceScopeKind.Connection => Budgets.Unlimited with { Connection = ten },
            ResourceScopeKind.Peer => Budgets.Unlimited with { Peer = ten },
            _ => Budgets.Unlimited with { Node = ten },
        };
        ResourceBudget budget = Budgets.Create(options);
        using ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        Assert.True(connection.TryReserve(6));

        Assert.False(connection.TryReserve(5));

        Assert.Equal(6, connection.Usage.MemorySize);
        Assert.Equal(6, budget.TakeSnapshot().Node.MemorySize);
        Assert.Equal(new RefusalCount(full, ResourceKind.Memory, 1), Assert.Single(budget.TakeSnapshot().Refusals));
        connection.Release(6);
        Assert.True(connection.TryReserve(10));
    }

    [Fact]
    public void Memory_ReleasedAfterTheEnd_IsNotGivenBackTwice()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited);
        ConnectionScope other = budget.Connect(Budgets.NewPeer()), connection = budget.Connect(Budgets.NewPeer());
        Assert.True(other.TryReserve(7));
        Assert.True(connection.TryReserve(5));

        connection.Dispose();
        connection.Release(5);
        connection.Dispose();

        Assert.Equal(7, budget.TakeSnapshot().Node.MemorySize);
        Assert.False(connection.TryReserve(1));
        other.Dispose();
        Budgets.AssertEmpty(budget.TakeSnapshot());
    }

    [Fact]
    public void Memory_MoreReleasedThanReserved_IsTheCallersMistakeAndChangesNothing()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { ConnectionMemorySize = 100 });
        using ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        Assert.True(connection.TryReserve(5));

        Assert.Throws<ArgumentOutOfRangeException>(() => connection.Release(6));
        Assert.Throws<ArgumentOutOfRangeException>(() => connection.Release(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => connection.TryReserve(-1));

        Assert.Equal(105, budget.TakeSnapshot().Node.MemorySize);
    }

    [Fact]
    public void Memory_ReservedReleasedAndRefused_AllocatesNothing()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Node = new() { MaxMemorySize = 1000 } });
        using ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        Assert.True(connection.TryReserve(600));
        bool anyFits = connection.TryReserve(600);
        connection.Release(1);

        // The runtime allocates on this thread too, now and then: what the code itself does, it does in every round.
        long least = long.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                anyFits |= connection.TryReserve(600);
                connection.TryReserve(10);
                connection.Release(10);
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        Assert.False(anyFits);
    }

    [Fact]
    public void Memory_OfWindowsAndBuffers_ChargesTheLargerOfBothToTheConnection()
    {
        const int Unit = 64 << 10;
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Connection = new() { MaxMemorySize = 10 * Unit } });
        using ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        var memory = new ConnectionMemory(maxPromisedSize: 8 * Unit, connection);

        Assert.False(memory.TryPromise(8 * Unit + 1));
        Assert.True(memory.TryPromise(8 * Unit));
        Assert.Equal(8 * Unit, connection.Usage.MemorySize);
        Assert.True(memory.TryHold(8 * Unit));
        Assert.Equal(8 * Unit, connection.Usage.MemorySize);
        Assert.False(memory.TryHold(2 * Unit + 1));
        Assert.True(memory.TryHold(2 * Unit));
        Assert.Equal(10 * Unit, budget.TakeSnapshot().Node.MemorySize);

        memory.Withdraw(8 * Unit);
        Assert.Equal(10 * Unit, connection.Usage.MemorySize);
        memory.LetGo(10 * Unit);
        Assert.Equal((0, 0, 0), (memory.PromisedSize, memory.HeldSize, connection.Usage.MemorySize));
    }

    [Fact]
    public void Memory_OfSmallBuffers_IsCoveredByWhatTheConnectionIsChargedAnyway()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited);
        using ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        var memory = new ConnectionMemory(0, connection);
        Assert.True(memory.TryHold(8 << 10));
        Assert.Equal(0, connection.Usage.MemorySize);
        Assert.True(memory.TryHold(1));
        Assert.Equal(64 << 10, connection.Usage.MemorySize);
    }

    [Theory]
    [InlineData(ResourceScopeKind.Connection, ResourceKind.Streams)]
    [InlineData(ResourceScopeKind.Connection, ResourceKind.InboundStreams)]
    [InlineData(ResourceScopeKind.Peer, ResourceKind.Streams)]
    [InlineData(ResourceScopeKind.Node, ResourceKind.Streams)]
    [InlineData(ResourceScopeKind.Node, ResourceKind.InboundStreams)]
    [InlineData(ResourceScopeKind.Transient, ResourceKind.Streams)]
    [InlineData(ResourceScopeKind.TransientPeer, ResourceKind.InboundStreams)]
    public void AcceptStream_OneScopeIsFull_IsRefused(ResourceScopeKind full, ResourceKind resource)
    {
        ResourceBudget budget = Budgets.Create(With(full, OnlyOne(resource)));
        using ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        StreamScope first = connection.Accept();

        Assert.False(connection.TryAcceptStream(out _, out ResourceRefusal refusal));

        Assert.Equal((full, resource), (refusal.Scope, refusal.Resource));
        first.Dispose();
        connection.Accept().Dispose();
    }

    [Theory]
    [InlineData(ResourceScopeKind.Connection, ResourceKind.OutboundStreams)]
    [InlineData(ResourceScopeKind.Peer, ResourceKind.Streams)]
    [InlineData(ResourceScopeKind.Node, ResourceKind.OutboundStreams)]
    [InlineData(ResourceScopeKind.Protocol, ResourceKind.Streams)]
    [InlineData(ResourceScopeKind.ProtocolPeer, ResourceKind.OutboundStreams)]
    public void OpenStream_OneScopeIsFull_IsRefused(ResourceScopeKind full, ResourceKind resource)
    {
        ResourceBudget budget = Budgets.Create(With(full, OnlyOne(resource)));
        using ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        StreamScope first = connection.OpenStream(Chat);

        Assert.False(connection.TryOpenStream(Chat, out _, out ResourceRefusal refusal));

        Assert.Equal((full, resource), (refusal.Scope, refusal.Resource));
        first.Dispose();
        connection.OpenStream(Chat).Dispose();
    }

    [Fact]
    public void AcceptStream_PeerThatNegotiatesNothing_TakesOnlyItsOwnShare()
    {
        ResourceBudget budget = Budgets.Create(new ResourceOptions { PrefixRules = [] });
        PeerId greedy = Budgets.NewPeer();
        using ConnectionScope first = budget.Connect(greedy), second = budget.Connect(greedy), other = budget.Connect(Budgets.NewPeer());
        for (int i = 0; i < 128; i++)
        {
            first.Accept();
            second.Accept();
        }

        Assert.False(first.TryAcceptStream(out _, out ResourceRefusal refusal));

        Assert.Equal("Resources.TransientPeer.MaxStreamCount", refusal.Option);
        Assert.Contains("not negotiated yet", refusal.ToString(), StringComparison.Ordinal);
        other.Accept().Dispose();
        // What is agreed on counts elsewhere.
        using StreamScope agreed = other.Accept(Chat);
        Assert.Equal(256, budget.TakeSnapshot().Transient.StreamCount);
    }

    [Fact]
    public void SetProtocol_ProtocolIsFullWithThePeer_IsRefusedForItAlone()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { ProtocolPeer = OnlyOne(ResourceKind.Streams) });
        using ConnectionScope connection = budget.Connect(Budgets.NewPeer()), other = budget.Connect(Budgets.NewPeer());
        using StreamScope first = connection.Accept(Chat);
        using StreamScope second = connection.Accept();

        Assert.False(second.TrySetProtocol(Chat, out ResourceRefusal refusal));

        Assert.Equal(ResourceScopeKind.ProtocolPeer, refusal.Scope);
        Assert.Contains(Chat, refusal.ToString(), StringComparison.Ordinal);
        other.Accept(Chat).Dispose();
        connection.Accept(Echo).Dispose();
        Assert.Equal(1, budget.TakeSnapshot().Transient.StreamCount);
    }

    [Fact]
    public void SetProtocol_ProtocolIsFullInTheNode_IsRefusedForEveryPeer()
    {
        var limits = new Dictionary<string, ResourceLimits> { [Chat] = OnlyOne(ResourceKind.InboundStreams) };
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Protocols = limits });
        using ConnectionScope connection = budget.Connect(Budgets.NewPeer()), other = budget.Connect(Budgets.NewPeer());
        using StreamScope first = connection.Accept(Chat);
        using StreamScope second = other.Accept();

        Assert.False(second.TrySetProtocol(Chat, out ResourceRefusal refusal));

        Assert.Equal(ResourceScopeKind.Protocol, refusal.Scope);
        other.OpenStream(Chat).Dispose();
        other.Accept(Echo).Dispose();
    }

    [Fact]
    public void Stream_OutlivesItsConnection_StillGivesItselfBackOnce()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited);
        ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        StreamScope inbound = connection.Accept(), outbound = connection.OpenStream(Chat);

        connection.Dispose();
        Assert.Equal(2, budget.TakeSnapshot().Node.StreamCount);
        inbound.Dispose();
        inbound.Dispose();
        outbound.Dispose();
        outbound.Dispose();

        Budgets.AssertEmpty(budget.TakeSnapshot());
    }

    [Fact]
    public void Stream_OfAnEndedConnection_CostsNothing()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited);
        ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        connection.Dispose();

        using StreamScope inbound = connection.Accept(Chat), outbound = connection.OpenStream(Chat);

        Budgets.AssertEmpty(budget.TakeSnapshot());
    }

    [Fact]
    public void Listener_NodeHasItsSockets_IsRefused()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Node = OnlyOne(ResourceKind.Descriptors) });
        Assert.True(budget.TryOpenListener(Budgets.Address("127.0.0.1"), out ListenerScope? first, out _));

        Assert.False(budget.TryOpenListener(Budgets.Address("127.0.0.1"), out _, out ResourceRefusal refusal));

        Assert.Equal(ResourceKind.Descriptors, refusal.Resource);
        first.Dispose();
        first.Dispose();
        Budgets.AssertEmpty(budget.TakeSnapshot());
    }

    [Fact]
    public void Refusal_AsError_NamesScopeLimitAndOption()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { Node = new() { MaxConnectionCount = 0 } });

        ConnectionException error = budget.RefuseConnection().ToException(ConnectionStep.Dial, null);

        Assert.Equal(ConnectionError.LimitExceeded, error.Reason);
        Assert.Equal(Fault.Local, error.Fault);
        Assert.Equal("Resources.Node.MaxConnectionCount", error.Limit);
        Assert.Equal("This node has its 0 connections (Resources.Node.MaxConnectionCount).", error.Message);
    }

    [Fact]
    public void Snapshot_ManyPeers_NamesTheLargest()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited);
        PeerId largest = Budgets.NewPeer();
        for (int i = 0; i < ResourceSnapshot.MaxNamedCount + 5; i++) budget.Connect(Budgets.NewPeer()).TryReserve(i);
        budget.Connect(largest).TryReserve(1000);

        ResourceSnapshot snapshot = budget.TakeSnapshot();

        Assert.Equal(ResourceSnapshot.MaxNamedCount + 6, snapshot.PeerCount);
        Assert.Equal(ResourceSnapshot.MaxNamedCount, snapshot.Peers.Count);
        Assert.Equal(largest, snapshot.Peers[0].Key);
    }

    private static ResourceLimits OnlyOne(ResourceKind resource) => resource switch
    {
        ResourceKind.Memory => new() { MaxMemorySize = 1 },
        ResourceKind.Connections => new() { MaxConnectionCount = 1 },
        ResourceKind.InboundConnections => new() { MaxInboundConnectionCount = 1 },
        ResourceKind.Streams => new() { MaxStreamCount = 1 },
        ResourceKind.InboundStreams => new() { MaxInboundStreamCount = 1 },
        ResourceKind.OutboundStreams => new() { MaxOutboundStreamCount = 1 },
        _ => new() { MaxDescriptorCount = 1 },
    };

    private static ResourceOptions With(ResourceScopeKind scope, ResourceLimits limits) => scope switch
    {
        ResourceScopeKind.Node => Budgets.Unlimited with { Node = limits },
        ResourceScopeKind.Transient => Budgets.Unlimited with { Transient = limits },
        ResourceScopeKind.TransientPeer => Budgets.Unlimited with { TransientPeer = limits },
        ResourceScopeKind.Peer => Budgets.Unlimited with { Peer = limits },
        ResourceScopeKind.Protocol => Budgets.Unlimited with { Protocol = limits },
        ResourceScopeKind.ProtocolPeer => Budgets.Unlimited with { ProtocolPeer = limits },
        _ => Budgets.Unlimited with { Connection = limits },
    };
}
