using System.Net;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Market;
using Overlay.Market.Buying;
using Overlay.Market.Demanding;
using Overlay.Market.Regions;
using Overlay.Market.Witnessing;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Tests.Market.Regions;
using Overlay.Tests.Market.Witnessing;
using Overlay.Transport;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market;

/// <summary>Offers that providers tell by themselves, held against what the owner's file, light and witnesses say.</summary>
public sealed class ProviderSearchTests : IAsyncDisposable
{
    private const int Contradicted = 6010;

    // In the file the first is in Germany; of the second it says nothing.
    private static readonly IPAddress s_german = IPAddress.Parse("198.51.100.7"), s_elsewhere = IPAddress.Parse("203.0.113.7");

    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-search-").FullName;
    private readonly FakeTimeProvider _time = new(Words.Now);
    private readonly FakeLogCollector _log = FakeLogCollector.Create(new FakeLogCollectorOptions());
    private readonly PeerIdentity _self = PeerIdentity.Generate(), _provider = PeerIdentity.Generate();
    private readonly InMemoryLedgerStore _ledger = new();
    private readonly MarketOptions _options = new();
    private readonly MarketBoard _board;
    private readonly PeerHost _host;
    private readonly ConsumerSessions _sessions;
    private readonly RegionRule _rule;
    private readonly ProviderSearch _search;
    private ToldOffer[] _told = [];

    public ProviderSearchTests()
    {
        string file = Path.Combine(_folder, "countries.mmdb");
        File.WriteAllBytes(file, new CountryFile().Add("198.51.100.0/24", "DE").ToArray());
        var logger = new FakeLogger(_log);
        _board = new MarketBoard(_options.Limits);
        _host = new PeerHost(_self, new TransportOptions(), null, _time);
        _sessions = new ConsumerSessions(new IdentitySigner(_self), _ledger, new SessionOptions(), _time);
        _rule = new RegionRule(GeoIpFile.Open(file, logger), Region.Parse("DE"));
        _search = new ProviderSearch(
            _host, _sessions, _board, null, (_, _) => ValueTask.FromResult<IReadOnlyList<Multiaddr>>([]), TellAsync, null,
            new AttestationAsking(_options.Limits, _time, logger), _rule, _options, _time, logger);
    }

    public async ValueTask DisposeAsync()
    {
        _rule.Dispose();
        await _sessions.DisposeAsync();
        await _host.DisposeAsync();
        await _ledger.DisposeAsync();
        _self.Dispose();
        _provider.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("DE", "198.51.100.7", 5, true)]
    [InlineData("JP", "203.0.113.7", 500, true)]
    [InlineData("JP", "198.51.100.7", 500, false)] // the file
    [InlineData("JP", "203.0.113.7", 5, false)] // light
    public async Task Told_WithARegionThatIsContradicted_IsNotTaken(string region, string from, double latency, bool isTaken)
    {
        Findings findings = await SearchAsync(Told(region, IPAddress.Parse(from), latency));
        int taken = isTaken ? 1 : 0;
        Assert.Equal(taken, findings.Offers.Count);
        Assert.Equal(taken, _board.Snapshot(_time.GetUtcNow()).Count);
        Assert.Equal(1 - taken, _log.GetSnapshot().Count(record => record.Id.Id == Contradicted));
    }

    [Fact]
    public async Task Told_BeforeItIsKnownWhatWitnessesSay_IsTakenBackWhenTheyContradict()
    {
        Findings findings = await SearchAsync(Told("JP", s_elsewhere), Told("JP", s_elsewhere, attested: Seen("198.51.100.0/24")));
        Assert.Null(Assert.Single(findings.Offers).Attested);
        Assert.Equal([_provider.PeerId], findings.Withdrawn);
        Assert.Empty(_board.Snapshot(_time.GetUtcNow()));
    }

    [Fact]
    public async Task Told_BeforeItIsKnownWhatWitnessesSay_CountsWithItOnceItIs()
    {
        Findings findings = await SearchAsync(Told("JP", s_elsewhere), Told("JP", s_elsewhere, attested: Seen("203.0.113.0/24")));
        Assert.Equal([false, true], findings.Offers.Select(offer => offer.Attested is not null));
        Assert.Empty(findings.Withdrawn);
        Assert.Equal(1, Assert.Single(_board.Snapshot(_time.GetUtcNow())).AttestedCount);
    }

    [Fact]
    public async Task Told_AgainFromWhereNothingSpeaksAgainstIt_IsNotTakenForAnHour()
    {
        await SearchAsync(Told("JP", s_german));
        Assert.Empty((await SearchAsync(Told("JP", s_elsewhere))).Offers);
        Assert.Empty(_board.Snapshot(_time.GetUtcNow()));
        // What it says instead is another matter.
        Assert.Single((await SearchAsync(Told("DE", s_german))).Offers);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Single((await SearchAsync(Told("JP", s_elsewhere))).Offers);
    }

    private static AttestedFigures Seen(string prefix) =>
        AttestedFigures.Of([Words.Make(10, prefix: prefix), Words.Make(11, prefix: prefix)])!;

    private ToldOffer Told(string region, IPAddress from, double latency = 500, AttestedFigures? attested = null) => new(
        _provider.PeerId, [Multiaddr.Parse("/ip4/203.0.113.9/tcp/4001")], Demands.Offer(_provider, region, now: _time.GetUtcNow()),
        TimeSpan.FromMilliseconds(latency), from, attested);

    private async Task<Findings> SearchAsync(params ToldOffer[] told)
    {
        _told = told;
        var findings = new Findings();
        // What is told at once is dealt with at once, one after another; then the search waits for more.
        Task searching = _search.RunAsync(new ExitWish(), tells: true, findings, TestContext.Current.CancellationToken);
        _time.Advance(_options.SearchTime);
        await searching;
        return findings;
    }

    private Task TellAsync(ExitWish wish, Action<ToldOffer> offered, CancellationToken cancellationToken)
    {
        foreach (ToldOffer told in _told) offered(told);
        return Task.CompletedTask;
    }

    private sealed class Findings : ISearchFindings
    {
        internal List<ToldOffer> Offers { get; } = [];

        internal List<PeerId> Withdrawn { get; } = [];

        public bool ShouldAsk(PeerId provider) => Offers.Count == 0;

        void ISearchFindings.Found(ToldOffer told) => Offers.Add(told);

        void ISearchFindings.Withdrawn(PeerId provider) => Withdrawn.Add(provider);
    }
}
