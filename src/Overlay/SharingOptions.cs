using System.Collections.Immutable;
using Overlay.Sharing;
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

    /// <summary>
    /// The ports of targets that consumers may reach; 80 and 443 by default. At most 256 ports and ranges. A range leaves closed what strangers would do harm
    /// through: sending mail (25, 465, 587,
    /// 2525), remote shells and desktops, file sharing, databases; such a port opens only when it is named by itself. See docs/exit-safety.md for the list.
    /// </summary>
    public IReadOnlyList<PortRange> AllowedPorts
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(AllowedPorts));
            if (value.Count is 0 or > 256)
                throw new ArgumentOutOfRangeException(nameof(AllowedPorts), value.Count, "AllowedPorts takes 1 to 256 ports and ranges.");
            if (value.Any(range => range.First == 0)) throw new ArgumentOutOfRangeException(nameof(AllowedPorts), 0, "A port is from 1 to 65535.");
            field = value;
        }
    } = [80, 443];

    /// <summary>The owner's consent, from <see cref="SharingConsent.AskAsync"/>. A node with a data folder shares only with the consent that is in force
    /// there and allows what is shared.</summary>
    public SharingConsent? Consent { get; init; }

    /// <summary>Asks for the consent while the node starts, unless it is in force already. The way for a node without a data folder, whose key is new at each
    /// start.</summary>
    public ConsentQuestion? AskConsent { get; init; }

    /// <summary>Lets consumers reach loopback, private and this host's own addresses. For tests alone: it opens the owner's network to strangers.</summary>
    public bool AllowPrivateTargets { get; init; }

    /// <summary>How much a consumer may do before it looks like a search for open doors, or like a flood.</summary>
    public TargetLimits Targets { get; init => field = value ?? throw new ArgumentNullException(nameof(Targets)); } = new();

    /// <summary>Files of names (with all below them) and networks that are refused: plain names, addresses and networks a line, or hosts files. Read anew
    /// when they change; a line that cannot be used
    /// keeps the list before it, and the node from starting.</summary>
    public IReadOnlyList<string> BlockLists { get; init => field = value ?? throw new ArgumentNullException(nameof(BlockLists)); } = [];

    /// <summary>Files of the same form: with any, nothing else is reached. What is refused stays refused.</summary>
    public IReadOnlyList<string> AllowLists { get; init => field = value ?? throw new ArgumentNullException(nameof(AllowLists)); } = [];

    /// <summary>Which targets are written to <c>targets.log</c> in the data folder, readable by the owner alone. By default those that were refused.</summary>
    public TargetLogging TargetLog { get; init; } = TargetLogging.Refusals;

    /// <summary>How large that file may become before it is put aside as <c>targets.1.log</c>, in the place of the one before: 4 KiB to 1 GiB, by default 1
    /// MiB.</summary>
    public ByteSize MaxTargetLogSize
    {
        get;
        init => field = value.Bytes is >= 4 << 10 and <= 1 << 30
            ? value
            : throw new ArgumentOutOfRangeException(nameof(MaxTargetLogSize), value, "MaxTargetLogSize is from 4 KiB to 1 GiB.");
    } = ByteSize.FromMebibytes(1);

    /// <summary>The ports that are open, ranges taken apart.</summary>
    internal ImmutableSortedSet<int> OpenPorts => GuardedPorts.Open(AllowedPorts);

    /// <summary>What others may have of the line, where the data folder holds nothing about it yet; <see cref="OverlaySharing.SetLimitsAsync"/> changes it.</summary>
    public OwnerLimits Limits { get; init => field = value ?? throw new ArgumentNullException(nameof(Limits)); } = new();

    /// <summary>Makes what judges how much is left to others while the owner uses the line; null for <see cref="IdleYieldPolicy"/>.</summary>
    public Func<IYieldPolicy>? YieldPolicy { get; init; }

    /// <summary>What the host knows of its power and its line; null for what the system simply tells.</summary>
    public ILineSurroundings? Surroundings { get; init; }
}
