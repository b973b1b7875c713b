using Microsoft.Extensions.Logging;
using Overlay.Transport.Identity;

namespace Overlay.Diagnostics;

/// <summary>What the market writes to the log. Who asked for what appears nowhere in it.</summary>
internal static partial class MarketLog
{
    [LoggerMessage(EventId = 6000, Level = LogLevel.Debug, Message = "Made an offer for a demand in {Region}: {Price} micro-credits a GiB.")]
    public static partial void Offered(ILogger logger, string region, ulong price);

    [LoggerMessage(EventId = 6001, Level = LogLevel.Debug, Message = "An offer for a demand in {Region} did not arrive: {Reason}")]
    public static partial void OfferFailed(ILogger logger, string region, string reason);

    [LoggerMessage(EventId = 6002, Level = LogLevel.Debug, Message = "{Provider} cannot be used: {Reason}")]
    public static partial void ProviderUnfit(ILogger logger, PeerId provider, string reason);

    [LoggerMessage(EventId = 6003, Level = LogLevel.Debug, Message = "An offer was refused: {Reason}")]
    public static partial void OfferRefused(ILogger logger, string reason);

    [LoggerMessage(EventId = 6004, Level = LogLevel.Information, Message = "Asked for an exit in {Region}: told {Count} peers.")]
    public static partial void Asked(ILogger logger, Region region, int count);

    [LoggerMessage(EventId = 6005, Level = LogLevel.Debug, Message = "A demand in {Region} could not be told: {Reason}")]
    public static partial void AskFailed(ILogger logger, Region region, string reason);

    [LoggerMessage(EventId = 6006, Level = LogLevel.Debug, Message = "The DHT gave no more providers in {Region}: {Reason}")]
    public static partial void LookupFailed(ILogger logger, Region region, string reason);

    [LoggerMessage(EventId = 6007, Level = LogLevel.Information, Message = "{Provider} has not kept its word and is left alone: {Reason}")]
    public static partial void WordBroken(ILogger logger, PeerId provider, string reason);

    [LoggerMessage(EventId = 6008, Level = LogLevel.Information, Message = "The price follows demand: {Price} micro-credits a GiB.")]
    public static partial void PriceChanged(ILogger logger, ulong price);

    [LoggerMessage(EventId = 6010, Level = LogLevel.Warning, Message = "The offer of {Provider} is not taken: {Reason}.")]
    public static partial void RegionContradicted(ILogger logger, PeerId provider, string reason);

    [LoggerMessage(EventId = 6011, Level = LogLevel.Debug, Message = "An address could not be looked up in the GeoIP file: {Reason}")]
    public static partial void GeoIpFailed(ILogger logger, string reason);

    [LoggerMessage(EventId = 6009, Level = LogLevel.Warning, Message = "What others' ledgers say of providers could not be read: {Reason}")]
    public static partial void ReputationFailed(ILogger logger, string reason);
}
