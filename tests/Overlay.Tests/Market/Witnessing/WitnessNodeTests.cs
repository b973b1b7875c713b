using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Market;
using Overlay.Market.Choosing;
using Overlay.Market.Witnessing;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Tests.Sharing;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market.Witnessing;

/// <summary>Whole nodes on loopback: three witnesses attest a provider, a fourth node sees their medians, and the provider's claim carries them.</summary>
public sealed class WitnessNodeTests : IAsyncDisposable
{
    private const int LedgersCompared = 2024;

    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-witness-").FullName;
    private readonly FakeLogCollector _log = FakeLogCollector.Create(new FakeLogCollectorOptions());
    private readonly SteadyHour _time = new();
    private readonly List<OverlayNode> _nodes = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (OverlayNode node in _nodes.AsEnumerable().Reverse()) await node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Provider_AttestedByThreeWitnesses_IsSeenByOthersAndClaimsWithThem()
    {
        int[] ports = FreePorts(3);
        OverlayNode hub = await StartAsync();
        OverlayNode provider = await StartAsync(
            options => options with
            {
                DataDirectory = _folder,
                Sharing = new SharingOptions { Region = "DE", PricePerGiB = 0.05m, AllowedPorts = [.. ports], AllowPrivateTargets = true, AskConsent = Consents.Yes },
            },
            new Factory(_log));
        List<OverlayNode> witnesses = [];
        foreach (int port in ports) witnesses.Add(await StartAsync(options => options with { Market = new MarketOptions { Witness = WitnessAt(port) } }));

        await UntilAsync(() => provider.Market.OwnAttestations.Count == 3);
        ulong epoch = WitnessDuty.EpochOf(_time.GetUtcNow());
        Assert.All(provider.Market.OwnAttestations, word =>
            Assert.Equal((epoch, true, "127.0.0.0/24"), (word.Body.Epoch, word.Body.Reachable, word.Body.ExitAddressPrefix)));
        Assert.Equal(witnesses.Select(node => node.PeerId).Order(),
            provider.Market.OwnAttestations.Select(word => WitnessDuty.PeerOf(word.Body.Witness)).Order());
        // They came as strangers, and paid.
        List<SessionRecord> sessions = [];
        await foreach (SessionRecord session in provider.Ledger.Store.ReadSessionsAsync(Token)) sessions.Add(session);
        Assert.Equal(3, sessions.Select(session => session.Counterparty).Distinct().Count());
        Assert.DoesNotContain(sessions, session => witnesses.Any(node => node.PeerId == WitnessDuty.PeerOf(session.Counterparty)));

        OverlayNode other = await StartAsync();
        IReadOnlyList<ExitCandidate> found = [];
        while (found.Count == 0) found = await other.Market.FindExitsAsync(new ExitWish { Region = "DE" }, Token);
        AttestedFigures attested = Assert.Single(found).Attested!;
        Assert.Equal((3, 1, 1.0), (attested.WitnessCount, attested.EpochCount, attested.Uptime));
        Assert.NotNull(attested.RoundTrip);
        RegionFigures figures = Assert.Single(other.Market.Regions, region => region.OfferCount > 0);
        Assert.Equal((1, 1.0, attested.RoundTrip, attested.RateDown),
            (figures.AttestedCount, figures.MedianUptime, figures.MedianRoundTrip, figures.MedianRateDown));
        // A witness gives its own word to whoever asks it.
        Assert.Equal(witnesses[0].PeerId,
            WitnessDuty.PeerOf(Assert.Single(await other.Market.FindAttestationsAsync(provider.PeerId, witnesses[0].PeerId, Token)).Body.Witness));
        Assert.Equal(3, (await other.Market.FindAttestationsAsync(provider.PeerId, null, Token)).Count);

        // Before that it seals nothing: its ledger might be a backup.
        await UntilAsync(() => _log.GetSnapshot().Any(record => record.Id.Id == LedgersCompared));
        await StopAsync(provider);
        Claim claim = await OverlayLedger.CreateClaimAsync(_folder, new ClaimRequest { Epoch = epoch }, _time, Token);
        ClaimVerdict verdict = ClaimVerifier.Verify(claim.Encode());
        Assert.True(verdict.IsValid, verdict.Fault);
        Assert.Equal((3, 3), (verdict.Claim!.Attestations.Count, verdict.Claim.ConsumerCount));
        Assert.Equal(attested.RoundTrip, AttestedFigures.Of(verdict.Claim.Attestations)!.RoundTrip);
        Assert.NotNull(hub);
    }

    [Fact]
    public async Task Witness_OutsideTheDht_IsRefusedAtTheStart()
    {
        OverlayOptions options = new()
        {
            Discovery = new DiscoveryOptions { Mdns = null, Kademlia = null },
            Market = new MarketOptions { Witness = WitnessAt(FreePorts(1)[0]) }
        };
        await Assert.ThrowsAsync<ArgumentException>(() => OverlayNode.StartAsync(options, cancellationToken: Token));
    }

    private static WitnessOptions WitnessAt(int port) => new()
    {
        Target = $"127.0.0.1:{port}",
        ListenOn = new IPEndPoint(IPAddress.Loopback, port),
        Spread = TimeSpan.Zero,
        Interval = TimeSpan.FromMilliseconds(200),
    };

    // The exit must be told which ports it may reach before the targets are there.
    private static int[] FreePorts(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (TcpListener listener in listeners) listener.Start();
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        foreach (TcpListener listener in listeners) listener.Dispose();
        return ports;
    }

    // What it waits for happens in the background of other nodes, which tell nobody.
    private static async Task UntilAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!condition()) await timer.WaitForNextTickAsync(Token);
    }

    private async Task<OverlayNode> StartAsync(Func<OverlayOptions, OverlayOptions>? change = null, ILoggerFactory? logs = null)
    {
        var options = new OverlayOptions
        {
            Listen = ["/ip4/127.0.0.1/tcp/0"],
            Discovery = new DiscoveryOptions
            {
                Mdns = null,
                Kademlia = new KademliaOptions { AllowPrivateAddresses = true },
                PersistentPeers = _nodes.Count == 0 ? [] : [_nodes[0].Addresses[0].ToString()],
            },
        };
        OverlayNode node = await OverlayNode.StartAsync(change?.Invoke(options) ?? options,
            new OverlayServices { TimeProvider = _time, LoggerFactory = logs }, Token);
        _nodes.Add(node);
        return node;
    }

    private async Task StopAsync(OverlayNode node)
    {
        _nodes.Remove(node);
        await node.DisposeAsync();
    }

    /// <summary>The system's clock, put to the fifth minute of an hour when it is made: no epoch ends in the middle of a test.</summary>
    private sealed class SteadyHour : TimeProvider
    {
        private readonly TimeSpan _shift = Shift(System.GetUtcNow());

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _shift;

        private static TimeSpan Shift(DateTimeOffset now) => TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(now.UtcTicks % TimeSpan.TicksPerHour);
    }

    private sealed class Factory(FakeLogCollector log) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new FakeLogger(log, categoryName);

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
