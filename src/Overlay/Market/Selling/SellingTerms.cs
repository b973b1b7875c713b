using Overlay.Sessions.Messages;

namespace Overlay.Market.Selling;

/// <summary>What a provider has to sell, as its answers to demand need it.</summary>
/// <param name="Region">Where its exit stands.</param>
/// <param name="PricePerGiB">Micro-credits, the price of this moment.</param>
/// <param name="MaxMbps">The most that one session gets; 0 says nothing.</param>
/// <param name="AllowedPorts">Ports of targets that its policy lets through.</param>
internal sealed record SellingTerms(Region Region, ulong PricePerGiB, uint MaxMbps, IReadOnlySet<int> AllowedPorts)
{
    /// <summary>Whether an exit with these terms is what a consumer asks for.</summary>
    internal bool Fit(Messages.Demand demand) =>
        (demand.Region == Region.Anywhere.Code || demand.Region == Region.Code)
        && PricePerGiB <= demand.MaxPricePerGiB
        && (MaxMbps == 0 || demand.MinMbps <= MaxMbps)
        && demand.ExitPorts.All(port => AllowedPorts.Contains(port));
}

/// <summary>A provider that can make offers.</summary>
internal interface IOfferSource
{
    /// <summary>The terms of this moment.</summary>
    SellingTerms Terms { get; }

    /// <summary>Makes and signs an offer; null when no session could be opened on it.</summary>
    ValueTask<Offer?> MakeOfferAsync(CancellationToken cancellationToken);
}
