namespace Overlay;

/// <summary>Prices: decimal credits on the face, whole micro-credits (10⁻⁶ credit) for a GiB on the wire.</summary>
internal static class Price
{
    private const decimal MicroCreditsPerCredit = 1_000_000m;
    private const ulong BytesPerGiB = 1UL << 30;

    /// <summary>Highest price that can be asked: a million credits a GiB.</summary>
    internal const decimal Max = 1_000_000m;

    /// <summary>Whole micro-credits, rounded down: a price that cannot be written exactly must not cost more than was said.</summary>
    internal static ulong ToMicroCredits(decimal credits) => (ulong)decimal.Floor(credits * MicroCreditsPerCredit);

    internal static decimal ToCredits(ulong microCredits) => microCredits / MicroCreditsPerCredit;

    /// <summary>What <paramref name="bytes"/> cost in micro-credits. A started micro-credit counts whole: rounding is to the provider, once per receipt.</summary>
    internal static ulong Amount(ulong bytes, ulong microCreditsPerGiB)
    {
        UInt128 product = (UInt128)bytes * microCreditsPerGiB;
        UInt128 amount = (product + (BytesPerGiB - 1)) / BytesPerGiB;
        return checked((ulong)amount);
    }

    internal static decimal Validate(decimal value, string name) =>
        value is >= 0 and <= Max ? value : throw new ArgumentOutOfRangeException(name, value, $"A price is from 0 to {Max} credits a GiB.");
}
