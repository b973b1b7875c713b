using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>What a consumer asks of an exit. What is left out does not matter to it.</summary>
public sealed record ExitWish
{
    /// <summary>Longest name of a session, in characters.</summary>
    public const int MaxSessionLength = 64;

    /// <summary>Where the exit must say it stands. Anywhere by default.</summary>
    public Region Region { get; init; } = Region.Anywhere;

    /// <summary>Highest price in credits for a GiB; 0 to 1,000,000. Null: any price.</summary>
    public decimal? MaxPricePerGiB { get; init => field = value is { } price ? Price.Validate(price, nameof(MaxPricePerGiB)) : null; }

    /// <summary>This provider and no other. Null: any.</summary>
    public PeerId? Provider { get; init; }

    /// <summary>About how much will be bought, for providers to hear; nothing is bound to it. Null says nothing.</summary>
    public ByteSize? Amount { get; init; }

    /// <summary>The least rate that is of use. An exit that turns out much slower is used no more. Null: any.</summary>
    public BitRate? MinRate { get; init; }

    /// <summary>A name of the caller's choosing, 1 to 64 characters: connections of one name keep to one exit for as long as it serves, those of different names go to different exits where there are
    /// several. Null: the name that all share who give none.</summary>
    public string? Session
    {
        get;
        init => field = value is null or { Length: >= 1 and <= MaxSessionLength }
            ? value
            : throw new ArgumentException($"A session's name has 1 to {MaxSessionLength} characters.", nameof(Session));
    }

    /// <summary>Whether each connection takes another exit than the last, as far as there are several. False.</summary>
    public bool ExitPerConnection { get; init; }
}
