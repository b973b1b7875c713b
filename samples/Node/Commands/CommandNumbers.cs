using System.Globalization;

namespace Overlay.Node.Commands;

/// <summary>Whole numbers of options that are no settings.</summary>
internal static class CommandNumbers
{
    /// <summary>Reads seconds from 1 to the most.</summary>
    /// <exception cref="UsageException">The text is none.</exception>
    internal static TimeSpan Read(string option, string? text, int otherwise, int most)
    {
        if (text is null) return TimeSpan.FromSeconds(otherwise);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds >= 1 && seconds <= most
            ? TimeSpan.FromSeconds(seconds)
            : throw new UsageException($"{option} cannot be '{text}': it takes whole seconds from 1 to {most}.");
    }
}
