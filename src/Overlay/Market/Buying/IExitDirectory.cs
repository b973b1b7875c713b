using Overlay.Sessions.Messages;
using Overlay.Transport.Identity;

namespace Overlay.Market.Buying;

/// <summary>A provider to use now.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Addresses">Where it is, best first.</param>
/// <param name="Offer">The offer that it has made and that still holds; null where it is to be asked.</param>
internal sealed record Exit(PeerId Peer, IReadOnlyList<Multiaddr> Addresses, Offer? Offer);

/// <summary>Knows which providers to use, in which order, and learns how they did.</summary>
internal interface IExitDirectory
{
    /// <summary>The best provider known that fits and was not tried yet; null when there is none.</summary>
    Exit? FindKnown(ExitWish wish, IReadOnlySet<PeerId> tried);

    /// <summary>The same, searched for if none is known.</summary>
    ValueTask<Exit?> FindAsync(ExitWish wish, IReadOnlySet<PeerId> tried, CancellationToken cancellationToken);

    /// <summary>Whether a provider may go on being used for a wish: false once it has failed or broken its word.</summary>
    bool IsGood(PeerId provider, ExitWish wish);

    /// <summary>A session of a name uses the provider, or does so no more.</summary>
    void Use(PeerId provider, int change);

    /// <summary>A session was opened.</summary>
    void Opened(PeerId provider, ulong pricePerGiB);

    /// <summary>It served, at most at this rate in a second.</summary>
    void Served(PeerId provider, ulong bytes, BitRate rate);

    /// <summary>It could not be reached, would not open a session, or the session ended.</summary>
    void Failed(PeerId provider, string reason, bool brokeItsWord);
}
