using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>What a consumer asks of an exit. What is left out does not matter to it.</summary>
public sealed record ExitWish
{
    /// <summary>Where the exit must say it stands. Anywhere by default.</summary>
    public Region Region { get; init; } = Region.Anywhere;

    /// <summary>Highest price in credits for a GiB; 0 to 1,000,000. Null: any price.</summary>
    public decimal? MaxPricePerGiB { get; init => field = value is { } price ? Price.Validate(price, nameof(MaxPricePerGiB)) : null; }

    /// <summary>This provider and no other. Null: any.</summary>
    public PeerId? Provider { get; init; }
}
