using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Overlay.Discovery.Kademlia;
using Overlay.Transport;
using Overlay.Transport.Identity;
using Overlay.Transport.Memory;

namespace Overlay.Tests.Discovery.Kademlia;

/// <summary>A few nodes with real hosts on one in-memory network, all joined through the first.</summary>
internal sealed class KademliaVillage : IAsyncDisposable
{
    internal static KademliaOptions Options { get; } = new() { AllowPrivateAddresses = true };

    private readonly MemoryNetwork _network = new();
    private readonly List<Villager> _villagers = [];

    internal Villager this[int index] => _villagers[index];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts nodes and waits until each knows all the servers.</summary>
    internal static async Task<KademliaVillage> StartAsync(int servers)
    {
        var village = new KademliaVillage();
        for (int i = 0; i < servers; i++) await village.AddAsync();
        foreach (Villager villager in village._villagers) await villager.WaitForAsync(servers - 1);
        return village;
    }

    internal async Task<Villager> AddAsync(KademliaOptions? options = null)
    {
        var identity = PeerIdentity.Generate();
        var host = new PeerHost(identity, transports: [new MemoryTransport(_network)]);
        await host.ListenAsync(Multiaddr.Parse($"/memory/{_villagers.Count + 1}"), Cancellation);
        var discovery = new KademliaDiscovery(host, options ?? Options, null, TimeProvider.System, NullLogger.Instance);
        var villager = new Villager(identity, host, discovery);
        _villagers.Add(villager);
        discovery.Start(_villagers.Count == 1 ? [] : _villagers[0].Host.ListenAddresses);
        return villager;
    }

    internal Task<Villager> AddClientAsync() => AddAsync(Options with { Mode = KademliaMode.Client });

    public async ValueTask DisposeAsync()
    {
        foreach (Villager villager in _villagers) await villager.DisposeAsync();
    }
}

/// <summary>One node of a village.</summary>
internal sealed class Villager : IAsyncDisposable
{
    private readonly PeerIdentity _identity;
    private readonly ConcurrentDictionary<PeerId, bool> _learned = new();
    private readonly SemaphoreSlim _changed = new(0);

    internal Villager(PeerIdentity identity, PeerHost host, KademliaDiscovery discovery)
    {
        _identity = identity;
        Host = host;
        Discovery = discovery;
        discovery.PeerLearned = (peer, _) =>
        {
            if (_learned.TryAdd(peer, true)) _changed.Release();
        };
    }

    internal PeerIdentity Identity => _identity;

    internal PeerHost Host { get; }

    internal KademliaDiscovery Discovery { get; }

    internal IEnumerable<PeerId> Learned => _learned.Keys;

    /// <summary>Waits until it has learned of so many peers.</summary>
    internal async Task WaitForAsync(int count)
    {
        while (_learned.Count < count) await _changed.WaitAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Discovery.DisposeAsync();
        await Host.DisposeAsync();
        _identity.Dispose();
        _changed.Dispose();
    }
}
