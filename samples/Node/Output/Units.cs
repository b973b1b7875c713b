using System.Globalization;

namespace Overlay.Node.Output;

/// <summary>How amounts look: credits, binary sizes, Mbit/s, milliseconds, UTC.</summary>
internal static class Units
{
    private const decimal MicroCreditsPerCredit = 1_000_000m;
    private const ulong BytesPerGiB = 1UL << 30;

    /// <summary>What <paramref name="bytes"/> cost in credits. A started micro-credit counts whole.</summary>
    internal static decimal Cost(ulong bytes, ulong microCreditsPerGiB) =>
        (decimal)(((UInt128)bytes * microCreditsPerGiB + (BytesPerGiB - 1)) / BytesPerGiB) / MicroCreditsPerCredit;

    /// <summary>Micro-credits in credits.</summary>
    internal static decimal FromMicroCredits(ulong microCredits) => microCredits / MicroCreditsPerCredit;

    /// <summary>Mbit/s (10⁶ bits); 0 where no time has passed.</summary>
    internal static double MegabitsPerSecond(ulong bytes, TimeSpan elapsed) => elapsed > TimeSpan.Zero ? Math.Round(bytes * 8 / elapsed.TotalSeconds / 1e6, 3) : 0;

    internal static string Size(ulong bytes) => new ByteSize(bytes).ToString();

    /// <summary>Credits with as many digits as they have, at least two.</summary>
    internal static string Credits(decimal credits) => credits.ToString("0.00####", CultureInfo.InvariantCulture);

    internal static string Rate(ulong bytes, TimeSpan elapsed) => string.Create(CultureInfo.InvariantCulture, $"{MegabitsPerSecond(bytes, elapsed):#,0.0} Mbit/s");

    internal static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.000} ms");

    internal static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");

    /// <summary>A count with thousands set apart.</summary>
    internal static string Count(ulong value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A count and what is counted, in the plural where there is not just one.</summary>
    internal static string Count(long value, string noun) => $"{Count((ulong)value)} {noun}{(value == 1 ? "" : "s")}";

    /// <summary>A moment as ISO 8601 in UTC. Seconds that no calendar holds stand as the bare number: they are a peer's claim.</summary>
    internal static string Time(ulong unixSeconds) =>
        unixSeconds <= (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds((long)unixSeconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            : unixSeconds.ToString(CultureInfo.InvariantCulture);
}
