using System.Text.Json.Serialization;

namespace Overlay.Node.Dashboard;

/// <summary>What a page is told each second. Sizes in bytes, rates in bits a second, money in credits, times in milliseconds of the Unix epoch.</summary>
internal sealed record DashboardModel(
    long Now,
    string PeerId,
    IReadOnlyList<string> Addresses,
    double UptimeSeconds,
    SharesModel? Shares,
    IReadOnlyList<RateModel> Rates,
    IReadOnlyList<SessionModel> Sessions,
    int SessionCount,
    LossModel AtRisk,
    IReadOnlyList<StepModel> Bytes,
    bool BytesComplete,
    EarningsModel Earnings,
    PeersModel Peers,
    IReadOnlyList<RegionModel> Regions,
    ControlsModel? Controls,
    IReadOnlyList<RefusalModel>? Refusals);

/// <summary>Where and for how much a node shares.</summary>
internal sealed record SharesModel(string Region, decimal PricePerGiB, ulong CreditWindow);

/// <summary>Rates from one moment to another.</summary>
internal sealed record RateModel(long From, long To, double Down, double Up);

internal sealed record SessionModel(string Id, string Consumer, ulong Down, ulong Up, ulong Unpaid, decimal PricePerGiB, long Since);

/// <summary>What would be lost if everybody left now without paying.</summary>
internal sealed record LossModel(ulong Bytes, decimal Credits);

/// <summary>One step of a byte from served to claimed, and what lies between it and the step before.</summary>
/// <param name="Name">What has been done to these bytes.</param>
/// <param name="Value">How many there are.</param>
/// <param name="Missing">How many fewer than in the step before; 0 in the first.</param>
/// <param name="Why">Why they are fewer, or what the step is.</param>
internal sealed record StepModel(string Name, ulong Value, ulong Missing, string Why);

/// <summary>What came in and what may.</summary>
internal sealed record EarningsModel(decimal SoFar, decimal Spent, decimal? Low, decimal? High, string Basis);

internal sealed record PeersModel(int Count, string Reachability, IReadOnlyList<PeerModel> List);

internal sealed record PeerModel(string Id, string? Address, string Direction, double? Milliseconds, string Software);

internal sealed record RegionModel(
    string Region, int Demands, ulong Wanted, decimal? MedianMaxPrice, int Offers, decimal? MedianPrice, decimal? LowestPrice);

/// <summary>Caps: rates in Mbit/s and sizes in GiB, as the page's sliders have them; null for no limit.</summary>
internal sealed record CapsModel(
    [property: JsonRequired] double? MaxUpload, [property: JsonRequired] double? MaxDownload, [property: JsonRequired] double? DailyQuota,
    [property: JsonRequired] double? MonthlyQuota);

internal sealed record ControlsModel(bool Paused, string? State, CapsModel Caps);

internal sealed record RefusalModel(long At, string What, string Reason, long Count);

/// <summary>Sessions of the ledger, the newest first.</summary>
/// <param name="Rows">At most a page of them.</param>
/// <param name="Before">The number by which the page behind is asked for; null on the last.</param>
internal sealed record LedgerSessionsModel(IReadOnlyList<LedgerSessionModel> Rows, long? Before);

internal sealed record LedgerSessionModel(string Id, string Role, string Counterparty, string State, decimal PricePerGiB, uint Leg, ulong Up, ulong Down, long OpenedAt);

internal sealed record LedgerReceiptsModel(IReadOnlyList<LedgerReceiptModel> Rows, long? Before);

/// <summary>A receipt with all that it says.</summary>
internal sealed record LedgerReceiptModel(
    string Role, uint Leg, ulong Sequence, bool Final, bool Countersigned, ulong Up, ulong Down, decimal Credits, decimal PricePerGiB, long IssuedAt, ulong Epoch,
    string Provider, string Consumer, string Commitment, string PreviousHash, string Hash);

internal sealed record OpenedModel(string Base);

internal sealed record ErrorModel(string Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(DashboardModel))]
[JsonSerializable(typeof(LedgerSessionsModel))]
[JsonSerializable(typeof(LedgerReceiptsModel))]
[JsonSerializable(typeof(CapsModel))]
[JsonSerializable(typeof(OpenedModel))]
[JsonSerializable(typeof(ErrorModel))]
internal sealed partial class DashboardJson : JsonSerializerContext;
