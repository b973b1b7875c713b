using Overlay.Transport;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Benchmarks;

/// <summary>A host for measuring, with a new identity, that serves perf. The one place where a benchmark changes limits.</summary>
internal sealed class BenchmarkHost : IAsyncDisposable
{
    private readonly PeerIdentity _identity = PeerIdentity.Generate();

    private BenchmarkHost(ResourceOptions resources) => Peers = new PeerHost(_identity, new TransportOptions
    {
        ServePerf = true,
        Resources = resources,
        // Nothing is trimmed while it is being measured.
        Trimming = new TrimOptions { HighWater = resources.Node.MaxConnectionCount + 1 },
    });

    internal PeerHost Peers { get; }

    /// <summary>A host with room for so many connections and everything on them: what is measured is the protocol, not the budget.</summary>
    internal static BenchmarkHost CreateRoomy(int connectionCount)
    {
        ResourceLimits many = new() { MaxConnectionCount = connectionCount }, unlimited = new();
        return new BenchmarkHost(new ResourceOptions
        {
            Node = many,
            Transient = unlimited,
            Peer = many,
            Connection = unlimited,
            Protocol = unlimited,
            ProtocolPeer = unlimited,
        });
    }

    /// <summary>A host with a node's own budget, all of which one peer may use: what is reserved and not given back comes to light.</summary>
    internal static BenchmarkHost CreateWithBudget()
    {
        var resources = new ResourceOptions();
        return new BenchmarkHost(resources with
        {
            Peer = resources.Peer with { MaxConnectionCount = resources.Node.MaxConnectionCount, MaxDescriptorCount = resources.Node.MaxDescriptorCount },
        });
    }

    /// <summary>A host with a node's own limits, to which peers on loopback are strangers behind an address of the internet; only how often they dial is not limited.</summary>
    internal static BenchmarkHost CreateAmongStrangers() => new(new ResourceOptions
    {
        PrefixRules = [.. PrefixRule.General.Select(static rule => rule with { InboundPerSecond = double.PositiveInfinity })],
    });

    /// <summary>Begins to listen on a free port of loopback.</summary>
    internal ValueTask<Multiaddr> ListenAsync() => Peers.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"));

    public async ValueTask DisposeAsync()
    {
        await Peers.DisposeAsync();
        _identity.Dispose();
    }
}
