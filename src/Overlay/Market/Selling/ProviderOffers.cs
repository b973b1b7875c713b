using Overlay.Sessions;
using Overlay.Sessions.Messages;

namespace Overlay.Market.Selling;

/// <summary>The offers of a node's own exit.</summary>
internal sealed class ProviderOffers(ProviderSessions sessions, IEnumerable<int> allowedPorts) : IOfferSource
{
    private readonly HashSet<int> _ports = [.. allowedPorts];

    public SellingTerms Terms
    {
        get
        {
            ProviderTerms terms = sessions.Terms;
            return new SellingTerms(Region.Parse(terms.Region), terms.PricePerGiB, terms.MaxMbps, _ports);
        }
    }

    public ValueTask<Offer?> MakeOfferAsync(CancellationToken cancellationToken) => sessions.MakeOfferAsync(cancellationToken);
}
