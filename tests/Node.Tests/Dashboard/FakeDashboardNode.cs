using System.Security.Cryptography;
using Overlay.Discovery;
using Overlay.Discovery.Reachability;
using Overlay.Market;
using Overlay.Node.Dashboard;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sharing;
using Overlay.TestKit.Proofs;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Node.Tests.Dashboard;

/// <summary>A node that is as busy as a test likes, with controls that do nothing but remember.</summary>
internal sealed class FakeDashboardNode : IDashboardNode, IOwnerControls
{
    internal const string HostileWords = "<img src=x onerror=alert(1)>\u202Ex";

    private readonly DateTimeOffset _startedAt = TimeProvider.System.GetUtcNow() - TimeSpan.FromMinutes(3);

    internal bool HasControls { get; init; } = true;

    internal int Looks { get; private set; }

    /// <summary>Why limits cannot be set.</summary>
    internal Exception? Fault { get; set; }

    internal List<string> Done { get; } = [];

    public IOwnerControls? Controls => HasControls ? this : null;

    public OwnerCaps Caps { get; private set; } = new(BitRate.FromMegabits(50), null, null, ByteSize.FromGibibytes(500));

    public bool IsPaused { get; private set; }

    public string? State => null;

    internal InMemoryLedgerStore Ledger { get; } = new();

    internal static PublicKey Key(int number) => new SeedSigner(number).PublicKey;

    internal static ServedSession Session(int number, ulong down, ulong up, ulong unpaid, decimal price = 0.05m, DateTimeOffset? since = null) => new()
    {
        Id = new Digest(SHA256.HashData(BitConverter.GetBytes(number))),
        Consumer = Key(number),
        Down = new ByteSize(down),
        Up = new ByteSize(up),
        Unpaid = new ByteSize(unpaid),
        PricePerGiB = price,
        OpenedAt = since ?? DateTimeOffset.UnixEpoch,
    };

    public ValueTask<DashboardLook> LookAsync(CancellationToken cancellationToken)
    {
        int look = ++Looks;
        // A rate that goes up and down and never back.
        ulong served = (ulong)(look * 4_000_000d + 45_000_000 * Math.Sin(look / 28d) + 4_000_000 * Math.Sin(look / 5d)) + 1_000_000;
        return ValueTask.FromResult(new DashboardLook
        {
            PeerId = PeerPublicKey.FromEd25519(Key(1).Bytes).ToPeerId().ToString(),
            Addresses = ["/ip4/203.0.113.7/tcp/4001"],
            StartedAt = _startedAt,
            Sharing = new SharingOptions { Region = Region.Parse("DE"), PricePerGiB = 0.05m },
            Sessions =
            [
                Session(2, served, served / 12, 1_234_567, since: _startedAt + TimeSpan.FromSeconds(5)),
                Session(3, served / 4, served / 20, 262_144, 0.04m, _startedAt + TimeSpan.FromSeconds(100)),
            ],
            Peers =
            [
                Peer(4, Direction.Inbound, 12.3, "overlay/0.1.0"), Peer(5, Direction.Outbound, 48, HostileWords), Peer(6, Direction.Inbound, null, ""),
            ],
            Reachability = ReachabilityVerdict.Public,
            Regions = [Figures("DE", 3, 0.08m, 4, 0.05m), Figures("FR", 0, null, 2, 0.06m), Figures("ZZ", 7, 0.10m, 0, null)],
            Totals = new LedgerTotals
            {
                IsComplete = true,
                Provided = new LedgerSideTotals { Receipts = 812, Up = 1UL << 30, Down = 11UL << 30, Sealed = 10UL << 30, MicroCredits = 600_000 },
                Consumed = new LedgerSideTotals { Receipts = 0, Up = 0, Down = 0, Sealed = 0, MicroCredits = 0 },
                Unpaid = 3_500_000,
            },
            Claimed = 7UL << 30,
            Paces = [new("the last 1.4 hours", TimeSpan.FromHours(1.4), 0.021m), new("the last 24 hours", TimeSpan.FromHours(24), 0.29m), new("the last 7 days", TimeSpan.FromDays(7), 0.6m)],
            Refusals = [new Refusal(_startedAt + TimeSpan.FromSeconds(90), $"10.0.0.7:22 {HostileWords}", "private address", 3)],
            Caps = HasControls ? Caps : null,
            IsPaused = IsPaused,
        });
    }

    public ValueTask<IReadOnlyList<LedgerRow<SessionRecord>>> FindSessionsAsync(long? before, int limit, CancellationToken cancellationToken) =>
        Ledger.FindNewestSessionsAsync(before, limit, cancellationToken);

    public ValueTask<IReadOnlyList<LedgerRow<ReceiptEntry>>> FindReceiptsAsync(Digest sessionId, long? before, int limit, CancellationToken cancellationToken) =>
        Ledger.FindNewestReceiptsAsync(sessionId, before, limit, cancellationToken);

    public Task SetCapsAsync(OwnerCaps caps, CancellationToken cancellationToken)
    {
        if (Fault is not null) throw Fault;
        Caps = caps;
        Done.Add("caps");
        return Task.CompletedTask;
    }

    public Task PauseAsync(CancellationToken cancellationToken) => Switch(true);

    public Task ResumeAsync(CancellationToken cancellationToken) => Switch(false);

    /// <summary>Fills the ledger with sessions, of which the newest has receipts.</summary>
    internal async Task FillLedgerAsync(int sessions, int receipts)
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        for (int i = 0; i < sessions; i++)
        {
            var script = new SessionScript(i, LedgerRole.Provider);
            await Ledger.SaveSessionAsync(script.Record, ct);
            if (i != sessions - 1) continue;
            for (int n = 0; n < receipts; n++) await Ledger.SaveReceiptAsync(script.Next(), script.Record, ct);
        }
    }

    private Task Switch(bool paused)
    {
        IsPaused = paused;
        Done.Add(paused ? "pause" : "resume");
        return Task.CompletedTask;
    }

    private NetworkPeer Peer(int number, Direction direction, double? milliseconds, string software) => new()
    {
        PeerId = PeerPublicKey.FromEd25519(Key(number).Bytes).ToPeerId(),
        Source = PeerSource.Inbound,
        ConnectedSince = _startedAt,
        Direction = direction,
        Latency = milliseconds is { } ms ? TimeSpan.FromMilliseconds(ms) : null,
        AgentVersion = software,
    };

    private static RegionFigures Figures(string region, int demands, decimal? paid, int offers, decimal? price) => new()
    {
        Region = Region.Parse(region),
        DemandCount = demands,
        Wanted = ByteSize.FromGibibytes((ulong)demands * 10),
        MedianMaxPricePerGiB = paid,
        OfferCount = offers,
        MedianPricePerGiB = price,
        LowestPricePerGiB = price,
    };
}
