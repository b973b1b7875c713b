using Overlay.Market.Buying;
using Overlay.Transport.Identity;

namespace Overlay.Using;

/// <summary>The providers that the owner named, in that order, and nobody else.</summary>
internal sealed class FixedExits : IExitDirectory
{
    private readonly IReadOnlyList<Exit> _exits;

    /// <param name="providers">Where they are, each address ending in <c>/p2p/…</c>.</param>
    internal FixedExits(IEnumerable<Multiaddr> providers) =>
        _exits = [.. providers.GroupBy(address => address.PeerId!).Select(group => new Exit(group.Key, [.. group], null))];

    public Exit? FindKnown(ExitWish wish, IReadOnlySet<PeerId> tried) =>
        _exits.FirstOrDefault(exit => !tried.Contains(exit.Peer) && (wish.Provider is null || exit.Peer == wish.Provider));

    public ValueTask<Exit?> FindAsync(ExitWish wish, IReadOnlySet<PeerId> tried, CancellationToken cancellationToken) => ValueTask.FromResult(FindKnown(wish, tried));

    public bool IsGood(PeerId provider, ExitWish wish) => _exits.Any(exit => exit.Peer == provider);

    public void Use(PeerId provider, int change)
    {
    }

    public void Opened(PeerId provider, ulong pricePerGiB)
    {
    }

    public void Served(PeerId provider, ulong bytes, BitRate rate)
    {
    }

    public void Failed(PeerId provider, string reason, bool brokeItsWord)
    {
    }
}
