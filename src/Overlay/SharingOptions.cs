using Overlay.Sharing.Limits;

namespace Overlay;

/// <summary>How a node gives service to others as an exit.</summary>
public sealed record SharingOptions
{
    /// <summary>Where the exit stands, as its offers say.</summary>
    public Region Region { get; init; } = Region.Anywhere;

    /// <summary>Price in credits for a GiB, both directions together; 0 to 1,000,000, in steps of a millionth. 0 gives it away.</summary>
    public decimal PricePerGiB { get; init => field = Price.Validate(value, nameof(PricePerGiB)); }

    /// <summary>Lets the price follow demand between <see cref="PricePerGiB"/> and this, in credits for a GiB; at least that price, at most 1,000,000. Null: it stays. Checked when a node starts.</summary>
    public decimal? MaxPricePerGiB { get; init => field = value is { } price ? Price.Validate(price, nameof(MaxPricePerGiB)) : null; }

    /// <summary>The most that a consumer may owe at any moment; what a consumer who never pays can take. 256 KiB to 16 MiB; 16 MiB by default. New consumers start at 256 KiB.</summary>
    public ByteSize CreditWindow
    {
        get;
        init => field = value.Bytes is >= 256 << 10 and <= 16 << 20
            ? value
            : throw new ArgumentOutOfRangeException(nameof(CreditWindow), value, "A credit window is from 256 KiB to 16 MiB.");
    } = ByteSize.FromMebibytes(16);

    /// <summary>The ports of targets that consumers may reach; 80 and 443 by default.</summary>
    public IReadOnlyList<int> AllowedPorts
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(AllowedPorts));
            foreach (int port in value)
                if (port is < 1 or > 65535) throw new ArgumentOutOfRangeException(nameof(AllowedPorts), port, "A port is from 1 to 65535.");
            field = value;
        }
    } = [80, 443];

    /// <summary>Lets consumers reach loopback, private and this host's own addresses. For tests alone: it opens the owner's network to strangers.</summary>
    public bool AllowPrivateTargets { get; init; }

    /// <summary>What others may have of the line, where the data folder holds nothing about it yet; <see cref="OverlaySharing.SetLimitsAsync"/> changes it.</summary>
    public OwnerLimits Limits { get; init => field = value ?? throw new ArgumentNullException(nameof(Limits)); } = new();

    /// <summary>Makes what judges how much is left to others while the owner uses the line; null for <see cref="IdleYieldPolicy"/>.</summary>
    public Func<IYieldPolicy>? YieldPolicy { get; init; }

    /// <summary>What the host knows of its power and its line; null for what the system simply tells.</summary>
    public ILineSurroundings? Surroundings { get; init; }
}
