namespace Overlay;

/// <summary>A rate of transfer.</summary>
/// <param name="BitsPerSecond">Bits in a second.</param>
public readonly record struct BitRate(ulong BitsPerSecond) : IComparable<BitRate>
{
    private const ulong BitsPerMegabit = 1_000_000;

    /// <summary>The rate in megabits (10⁶ bits) a second.</summary>
    public double Megabits => BitsPerSecond / (double)BitsPerMegabit;

    /// <summary>A rate in megabits (10⁶ bits) a second.</summary>
    /// <exception cref="OverflowException">The rate is over 2⁶⁴ bits a second.</exception>
    public static BitRate FromMegabits(ulong value) => new(checked(value * BitsPerMegabit));

    /// <inheritdoc/>
    public int CompareTo(BitRate other) => BitsPerSecond.CompareTo(other.BitsPerSecond);

    /// <summary>Megabits a second, such as <c>12.5 Mbit/s</c>.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Megabits:0.##} Mbit/s");

    /// <summary>Whether a rate is below another.</summary>
    public static bool operator <(BitRate left, BitRate right) => left.BitsPerSecond < right.BitsPerSecond;

    /// <summary>Whether a rate is above another.</summary>
    public static bool operator >(BitRate left, BitRate right) => left.BitsPerSecond > right.BitsPerSecond;

    /// <summary>Whether a rate is at most another.</summary>
    public static bool operator <=(BitRate left, BitRate right) => left.BitsPerSecond <= right.BitsPerSecond;

    /// <summary>Whether a rate is at least another.</summary>
    public static bool operator >=(BitRate left, BitRate right) => left.BitsPerSecond >= right.BitsPerSecond;
}
