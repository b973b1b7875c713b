using Overlay.Proofs;
using Overlay.Sessions.Messages;

namespace Overlay.Sessions;

/// <summary>What a provider offers: the configuration from which its offers are made.</summary>
internal sealed record ProviderTerms
{
    /// <summary>ISO 3166-1 alpha-2, upper case; <c>ZZ</c> when unsaid.</summary>
    public string Region
    {
        get;
        init => field = Offer.IsRegion(value) ? value : throw new ArgumentException($"Region was '{value}'; allowed are two letters A to Z.", nameof(value));
    } = "ZZ";

    /// <summary>Micro-credits for a GiB; 0 (the default) gives for free.</summary>
    public ulong PricePerGiB
    {
        get;
        init => field = value <= long.MaxValue ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "PricePerGiB must be below 2^63.");
    }

    /// <summary>Largest credit window in bytes, 256 KiB to 16 MiB; the default is the largest.</summary>
    public long MaxCreditWindow
    {
        get;
        init => field = value is >= CreditWindowRule.Smallest and <= CreditWindowRule.Largest
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "MaxCreditWindow must be 256 KiB to 16 MiB.");
    } = CreditWindowRule.Largest;

    /// <summary>The most one session gets, in megabits per second; 0 (the default) says nothing.</summary>
    public uint MaxMbps { get; init; }

    /// <summary>Digest of the exit policy in force.</summary>
    public Digest ExitPolicy { get; init; }

    /// <summary>How long an offer may be taken up: 2 minutes, a few round trips on a bad line, short enough that a changed price is soon the only one.</summary>
    public TimeSpan OfferLifetime
    {
        get;
        init => field = value > TimeSpan.Zero && value <= TimeSpan.FromMinutes(10)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "OfferLifetime must be above zero and at most 10 minutes.");
    } = TimeSpan.FromMinutes(2);
}
