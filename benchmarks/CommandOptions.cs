using System.Globalization;

namespace Overlay.Benchmarks;

/// <summary>What was written wrongly on the command line, in words for the person who wrote it.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The <c>--name value</c> pairs and <c>--switches</c> of one command. Every one has to be asked for before <see cref="Done"/>.</summary>
internal sealed class CommandOptions
{
    private readonly Dictionary<string, string?> _values = new(StringComparer.Ordinal);
    private readonly List<string> _known = [];

    internal CommandOptions(ReadOnlySpan<string> args)
    {
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            if (!name.StartsWith("--", StringComparison.Ordinal)) throw new UsageException($"'{name}' is not an option.");
            bool hasValue = i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal);
            if (!_values.TryAdd(name, hasValue ? args[++i] : null)) throw new UsageException($"{name} is given twice.");
        }
    }

    /// <summary>Whether a switch is there.</summary>
    internal bool Has(string name)
    {
        _known.Add(name);
        return _values.TryGetValue(name, out string? value) && (value is null ? true : throw new UsageException($"{name} takes no value."));
    }

    /// <summary>A whole number, at least <paramref name="minimum"/>.</summary>
    internal int Count(string name, int otherwise, int minimum = 1) => (int)Number(name, otherwise, minimum, int.MaxValue);

    /// <summary>A number from <paramref name="minimum"/> to <paramref name="maximum"/>.</summary>
    internal double Number(string name, double otherwise, double minimum, double maximum)
    {
        if (Text(name) is not { } text) return otherwise;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= minimum && value <= maximum
            ? value
            : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{name} takes a number from {minimum} to {maximum}, not '{text}'."));
    }

    /// <summary>A text, or null.</summary>
    internal string? Text(string name)
    {
        _known.Add(name);
        if (!_values.TryGetValue(name, out string? value)) return null;
        return value ?? throw new UsageException($"{name} needs a value.");
    }

    /// <summary>Refuses what nobody has asked for.</summary>
    internal void Done()
    {
        if (_values.Keys.FirstOrDefault(name => !_known.Contains(name)) is { } unknown)
            throw new UsageException($"{unknown} is unknown; there are: {string.Join(", ", _known)}.");
    }
}
