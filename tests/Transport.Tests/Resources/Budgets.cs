using Microsoft.Extensions.Time.Testing;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Tests.Resources;

/// <summary>What tests of the budget share: budgets that limit one thing, peers, and short ways to claim.</summary>
internal static class Budgets
{
    /// <summary>No limit but those that a test sets.</summary>
    internal static ResourceOptions Unlimited { get; } = new()
    {
        Node = new(),
        Transient = new(),
        TransientPeer = new(),
        Peer = new(),
        Connection = new(),
        Protocol = new(),
        ProtocolPeer = new(),
        PrefixRules = [],
        ConnectionMemorySize = 0,
    };

    internal static Multiaddr Address(string ip) => Multiaddr.Parse($"/{(ip.Contains(':', StringComparison.Ordinal) ? "ip6" : "ip4")}/{ip}/tcp/4001");

    internal static PeerId NewPeer()
    {
        using var identity = PeerIdentity.Generate();
        return identity.PeerId;
    }

    internal static ResourceBudget Create(ResourceOptions options, TimeProvider? time = null) => new(options, time ?? new FakeTimeProvider());

    internal static ConnectionScope Connect(this ResourceBudget budget, PeerId? peer = null, Direction direction = Direction.Inbound, string ip = "192.0.2.1")
    {
        Assert.True(budget.TryOpenConnection(direction, Address(ip), out ConnectionScope? scope, out ResourceRefusal refusal), refusal.ToString());
        if (peer is not null) Assert.True(scope.TrySetPeer(peer, out refusal), refusal.ToString());
        return scope;
    }

    internal static ResourceRefusal RefuseConnection(this ResourceBudget budget, Direction direction = Direction.Inbound, string ip = "192.0.2.1")
    {
        Assert.False(budget.TryOpenConnection(direction, Address(ip), out _, out ResourceRefusal refusal));
        return refusal;
    }

    internal static StreamScope Accept(this ConnectionScope connection, string? protocol = null)
    {
        Assert.True(connection.TryAcceptStream(out StreamScope? scope, out ResourceRefusal refusal), refusal.ToString());
        if (protocol is not null) Assert.True(scope.TrySetProtocol(protocol, out refusal), refusal.ToString());
        return scope;
    }

    internal static StreamScope OpenStream(this ConnectionScope connection, string protocol)
    {
        Assert.True(connection.TryOpenStream(protocol, out StreamScope? scope, out ResourceRefusal refusal), refusal.ToString());
        return scope;
    }

    /// <summary>Nothing is held anywhere, and no scope is remembered.</summary>
    internal static void AssertEmpty(ResourceSnapshot snapshot)
    {
        Assert.Equal(default, snapshot.Node);
        Assert.Equal(default, snapshot.Transient);
        Assert.Equal(0, snapshot.PeerCount);
        Assert.Equal(0, snapshot.ProtocolCount);
        Assert.Equal(0, snapshot.PrefixCount);
    }
}
