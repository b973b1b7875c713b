using System.Globalization;
using System.Text;
using Overlay.Transport.Identity;

namespace Overlay.Using;

/// <summary>Wishes in the user name of a proxy's client, as users of such proxies write them: <c>region-DE;session-abc;max-0.10</c>.</summary>
/// <remarks>
/// <code>
/// region-CODE     where the exit must stand            session-NAME    connections of one name keep to one exit
/// max-CREDITS     highest price of a GiB               exit-new        another exit for each connection
/// rate-MBITS      least rate in Mbit/s                 provider-ID     this provider and no other
/// </code>
/// The first word may be a name without meaning here; every other must be one of these, so that a slip of the pen is told and not obeyed.
/// </remarks>
internal static class WishWords
{
    private const char Separator = ';';

    private static readonly string[] s_beginnings = ["region-", "session-", "max-", "rate-", "exit-", "provider-"];

    /// <summary>The user's name before the words.</summary>
    internal static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> userName)
    {
        int end = userName.IndexOf((byte)Separator);
        return end < 0 ? userName : userName[..end];
    }

    /// <summary>Reads the words.</summary>
    /// <param name="userName">The whole user name, UTF-8.</param>
    /// <param name="start">What holds where the words say nothing.</param>
    /// <param name="wish">What is wished for.</param>
    /// <returns>What is wrong with the first word that is not understood; null when there is none.</returns>
    internal static string? Read(ReadOnlySpan<byte> userName, ExitWish start, out ExitWish wish)
    {
        wish = start;
        string[] words = Encoding.UTF8.GetString(userName).Split(Separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        for (int i = 0; i < words.Length; i++)
        {
            if (Apply(words[i], wish) is { } next) wish = next;
            else if (i > 0 || s_beginnings.Any(beginning => words[i].StartsWith(beginning, StringComparison.OrdinalIgnoreCase)))
                return $"The user name's word {i + 1} is not understood; there are region-DE, session-NAME, max-0.10, rate-20, exit-new and provider-PEERID.";
        }

        return null;
    }

    private static ExitWish? Apply(string word, ExitWish wish)
    {
        int dash = word.IndexOf('-', StringComparison.Ordinal);
        if (dash <= 0) return null;
        string value = word[(dash + 1)..];
        return word[..dash].ToUpperInvariant() switch
        {
            "REGION" when Region.TryParse(value, out Region region) => wish with { Region = region },
            "SESSION" when value.Length is >= 1 and <= ExitWish.MaxSessionLength => wish with { Session = value, ExitPerConnection = false },
            "MAX" when decimal.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal price) && price <= Price.Max => wish with { MaxPricePerGiB = price },
            "RATE" when uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out uint megabits) => wish with { MinRate = BitRate.FromMegabits(megabits) },
            "EXIT" when value.Equals("new", StringComparison.OrdinalIgnoreCase) => wish with { ExitPerConnection = true, Session = null },
            "PROVIDER" when PeerId.TryParse(value, out PeerId? provider) => wish with { Provider = provider },
            _ => null,
        };
    }
}
