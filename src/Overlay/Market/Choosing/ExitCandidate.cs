using Overlay.Market.Witnessing;
using Overlay.Transport.Identity;

namespace Overlay.Market.Choosing;

/// <summary>A provider that could be used: what it offers, and what this node has seen of it.</summary>
public sealed record ExitCandidate
{
    /// <summary>The provider.</summary>
    public required PeerId Provider { get; init; }

    /// <summary>Where its exit stands, as it says.</summary>
    public required Region Region { get; init; }

    /// <summary>Its price in credits a GiB.</summary>
    public required decimal PricePerGiB { get; init; }

    /// <summary>The most that it says to give one session; null when it says nothing.</summary>
    public BitRate? OfferedRate { get; init; }

    /// <summary>The round trip to it, measured by this node; null before.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>The highest rate at which it has served this node; null before. What a target gave bounds it too.</summary>
    public BitRate? MeasuredRate { get; init; }

    /// <summary>What it shows of its witnesses; null when it shows nothing. It chooses what to show, and they are strangers.</summary>
    public AttestedFigures? Attested { get; init; }

    /// <summary>How far it is trusted, from 0, it has broken its word, to 1, it has served long and well; a newcomer has <see cref="Newcomer"/>.</summary>
    public required double Standing { get; init; }

    /// <summary>Sessions of other names that use it at present.</summary>
    public int UsedBy { get; init; }

    /// <summary>The standing of somebody of whom nothing is known.</summary>
    public const double Newcomer = 0.5;
}

/// <summary>Who of several providers is used: a policy that a host application can replace (<see cref="MarketOptions.Ranking"/>).</summary>
public interface IExitRanking
{
    /// <summary>Puts candidates into the order in which they are to be tried. Called on the thread pool, often; must not block.</summary>
    /// <param name="wish">What is asked for. The candidates fit it.</param>
    /// <param name="candidates">Those that may be used now.</param>
    /// <returns>The best first. Who is left out is not used.</returns>
    IReadOnlyList<ExitCandidate> Rank(ExitWish wish, IReadOnlyList<ExitCandidate> candidates);
}
