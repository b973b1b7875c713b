namespace Overlay.Market;

/// <summary>Names on the wire.</summary>
internal static class MarketNames
{
    /// <summary>All topics of demand.</summary>
    internal const string DemandTopics = "/overlay/demand/1/*";

    /// <summary>The stream on which a provider tells a consumer its offer.</summary>
    internal const string OfferPush = "/overlay/offer/push/1";

    /// <summary>The stream on which attestations are handed over and asked for: docs/protocols/attestation.md.</summary>
    internal const string Attestation = "/overlay/attestation/1";

    private const string DemandTopic = "/overlay/demand/1/";

    /// <summary>The topic of a region's demand.</summary>
    internal static string TopicOf(Region region) => DemandTopic + region.Code;
}
