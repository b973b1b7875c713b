using System.Globalization;

namespace Overlay.Node.Commands;

/// <summary>Whole numbers of options that are no settings.</summary>
internal static class CommandNumbers
{
    /// <summary>Reads a number from 1 to the most.</summary>
    /// <exception cref="UsageException">The text is none.</exception>
    internal static int Read(string option, string? text, int otherwise, int most)
    {
        if (text is null) return otherwise;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1 && value <= most
            ? value
            : throw new UsageException($"{option} cannot be '{text}': it takes a whole number from 1 to {most}.");
    }
}
