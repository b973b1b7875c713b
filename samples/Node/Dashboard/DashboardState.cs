using Overlay.Discovery.Reachability;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;
using Overlay.Sharing;
using Overlay.Transport.Connections;

namespace Overlay.Node.Dashboard;

/// <summary>Turns one look at a node after another into what the page shows. No I/O, no clock; one owner at a time.</summary>
internal sealed class DashboardState
{
    /// <summary>How far back rates are remembered.</summary>
    internal static readonly TimeSpan History = TimeSpan.FromMinutes(10);

    // A page that misses a look or two gets their rates with the next.
    private const int Overlap = 5;

    /// <summary>Most sessions, peers and refusals told; the counts are of all.</summary>
    internal const int MaxRows = 50;

    private static readonly TimeSpan s_month = TimeSpan.FromDays(30);

    private readonly Queue<RateModel> _rates = new();
    private readonly ServiceRate _served = new();
    private DateTimeOffset? _last;

    /// <param name="look">The node now.</param>
    /// <param name="now">The time.</param>
    /// <param name="isWhole">Whether all remembered rates are to be told, and not only the newest few: there is a page that knows none.</param>
    internal DashboardModel Update(DashboardLook look, DateTimeOffset now, bool isWhole)
    {
        AddRate(look, now);
        ulong unpaid = Sum(look.Sessions, session => session.Unpaid.Bytes);
        return new DashboardModel(
            now.ToUnixTimeMilliseconds(),
            look.PeerId,
            look.Addresses,
            Math.Max(0, (now - look.StartedAt).TotalSeconds),
            look.Sharing is { } sharing ? new SharesModel(NameOf(sharing.Region), sharing.PricePerGiB, sharing.CreditWindow.Bytes) : null,
            isWhole ? [.. _rates] : [.. _rates.TakeLast(Overlap)],
            [.. look.Sessions.OrderByDescending(session => session.Unpaid.Bytes).ThenBy(session => session.OpenedAt).Take(MaxRows).Select(Model)],
            look.Sessions.Count,
            new LossModel(unpaid, look.Sessions.Sum(session => Units.Cost(session.Unpaid.Bytes, (ulong)(session.PricePerGiB * 1_000_000m)))),
            look.Totals is { } totals ? Steps(totals, unpaid, look.Claimed) : [],
            look.Totals?.IsComplete ?? false,
            Earnings(look),
            new PeersModel(
                look.Peers.Count(peer => peer.ConnectedSince is not null), Words(look.Reachability),
                [.. look.Peers.Take(MaxRows).Select(peer => new PeerModel(
                    peer.PeerId.ToString(), peer.Address?.ToString(),
                    peer.Direction switch { Direction.Inbound => "the peer", Direction.Outbound => "this node", _ => "" },
                    peer.Latency is { } latency ? Math.Round(latency.TotalMilliseconds, 1) : null, PlainText.OneLine(peer.AgentVersion)))]),
            [.. look.Regions.Select(figures => new RegionModel(
                NameOf(figures.Region), figures.DemandCount, figures.Wanted.Bytes, figures.MedianMaxPricePerGiB, figures.OfferCount,
                figures.MedianPricePerGiB, figures.LowestPricePerGiB))],
            look.Caps is { } caps ? new ControlsModel(look.IsPaused, look.ControlState, Model(caps)) : null,
            look.Refusals is { } refusals
                ? [.. refusals.Take(MaxRows).Select(refusal => new RefusalModel(
                    refusal.At.ToUnixTimeMilliseconds(), PlainText.OneLine(refusal.What), PlainText.OneLine(refusal.Reason), refusal.Count))]
                : null);
    }

    /// <summary>Caps as the page has them.</summary>
    internal static CapsModel Model(OwnerCaps caps) => new(
        caps.MaxUpload?.Megabits, caps.MaxDownload?.Megabits, caps.DailyQuota?.Bytes / (double)(1UL << 30), caps.MonthlyQuota?.Bytes / (double)(1UL << 30));

    /// <summary>The page's word for caps; null when they are none: rates from 64 kbit/s to 100 Gbit/s, sizes from a mebibyte to a pebibyte.</summary>
    internal static OwnerCaps? Read(CapsModel model)
    {
        const double MinMegabits = 0.064, MaxMegabits = 100_000, MinGiB = 1.0 / 1024, MaxGiB = 1 << 20;
        bool fits = Fits(model.MaxUpload, MinMegabits, MaxMegabits) && Fits(model.MaxDownload, MinMegabits, MaxMegabits)
            && Fits(model.DailyQuota, MinGiB, MaxGiB) && Fits(model.MonthlyQuota, MinGiB, MaxGiB);
        return fits ? new OwnerCaps(Rate(model.MaxUpload), Rate(model.MaxDownload), Size(model.DailyQuota), Size(model.MonthlyQuota)) : null;
        static bool Fits(double? value, double min, double max) => value is not { } number || (number >= min && number <= max);
        static BitRate? Rate(double? megabits) => megabits is { } value ? new BitRate((ulong)Math.Round(value * 1e6)) : null;
        static ByteSize? Size(double? gibibytes) => gibibytes is { } value ? new ByteSize((ulong)Math.Round(value * (1UL << 30))) : null;
    }

    private void AddRate(DashboardLook look, DateTimeOffset now)
    {
        (ulong down, ulong up) = _served.Advance(look.Sessions);
        // Before the first look, and while nobody looked, there was nothing to see but how much it came to: that is told as one rate over the whole time.
        DateTimeOffset from = _last ?? look.StartedAt;
        if (now > from)
        {
            double seconds = (now - from).TotalSeconds;
            _rates.Enqueue(new RateModel(from.ToUnixTimeMilliseconds(), now.ToUnixTimeMilliseconds(), Math.Round(down * 8 / seconds), Math.Round(up * 8 / seconds)));
        }

        long oldest = (now - History).ToUnixTimeMilliseconds();
        while (_rates.TryPeek(out RateModel? rate) && rate.To <= oldest) _rates.Dequeue();
        _last = now;
    }

    private static SessionModel Model(ServedSession session) => new(
        session.Id.ToString(), Names.Peer(session.Consumer), session.Down.Bytes, session.Up.Bytes, session.Unpaid.Bytes, session.PricePerGiB,
        session.OpenedAt.ToUnixTimeMilliseconds());

    private static StepModel[] Steps(LedgerTotals totals, ulong unpaid, ulong claimed)
    {
        ulong signed = totals.Provided.Up + totals.Provided.Down, counted = signed + unpaid + totals.Unpaid;
        string owed = (unpaid, totals.Unpaid) switch
        {
            (0, 0) => "Every byte has its receipt.",
            (_, 0) => "In use now; the next receipt covers them.",
            (0, _) => $"Sessions that ended without a last receipt: {Units.Size(totals.Unpaid)}. They are settled if the consumer comes back.",
            _ => $"{Units.Size(unpaid)} are in use now; {Units.Size(totals.Unpaid)} are of sessions that ended without a last receipt.",
        };
        ulong unsealed = signed - Math.Min(signed, totals.Provided.Sealed), unclaimed = totals.Provided.Sealed - Math.Min(totals.Provided.Sealed, claimed);
        return
        [
            new("Counted", counted, 0, "Payload that went through this node for others, both ways."),
            new("Co-signed", signed, counted - signed, owed),
            new("Sealed", totals.Provided.Sealed, unsealed, unsealed == 0
                ? "All of it stands in a signed block."
                : "Sessions under way, and finished ones that wait: a block is made at 64 MiB, or after an hour."),
            new("Claimed", claimed, unclaimed, unclaimed == 0
                ? (totals.Provided.Sealed == 0 ? "There is nothing to claim yet." : "A claim was made of every hour.")
                : "No claim was made of these hours yet: 'overlay claim create' makes one."),
        ];
    }

    private static EarningsModel Earnings(DashboardLook look)
    {
        const decimal Micro = 1_000_000m;
        decimal soFar = (look.Totals?.Provided.MicroCredits ?? 0) / Micro, spent = (look.Totals?.Consumed.MicroCredits ?? 0) / Micro;
        if (look.Paces.Count < 2)
            return new EarningsModel(soFar, spent, null, null, soFar == 0 ? "Nothing was earned yet, so there is nothing to go by." : "It is too early to say: a range takes two hours of earnings.");
        decimal[] months = [.. look.Paces.Select(pace => Math.Round(pace.Credits * (decimal)(s_month / pace.Length), 2))];
        string paces = string.Join(" · ", look.Paces.Zip(months, (pace, month) => $"{pace.Name}: {Units.Credits(pace.Credits)}, so {Units.Credits(month)} a month"));
        return new EarningsModel(soFar, spent, months.Min(), months.Max(), $"What was earned so far, carried on for 30 days. {paces}. Demand may go up or down; nobody promises it.");
    }

    private static ulong Sum(IReadOnlyList<ServedSession> sessions, Func<ServedSession, ulong> amount)
    {
        ulong sum = 0;
        foreach (ServedSession session in sessions) sum += amount(session);
        return sum;
    }

    private static string NameOf(Region region) => region == Region.Anywhere ? "anywhere" : region.Code;

    private static string Words(ReachabilityVerdict verdict) => verdict switch
    {
        ReachabilityVerdict.Public => "Others can reach this node from the Internet.",
        ReachabilityVerdict.Private => "Others cannot reach this node from the Internet: forward its port at the router.",
        _ => "Whether others can reach this node from the Internet is not known yet.",
    };
}
