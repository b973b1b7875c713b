using System.Collections;

namespace Overlay.Node;

/// <summary>Everything of the process that the commands touch, so that tests can give their own.</summary>
internal sealed record Surroundings
{
    /// <summary>Standard output. Not closed by the commands.</summary>
    public required Stream Output { get; init; }

    /// <summary>Standard error: logs, warnings, the reason of a failure.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>What a person types who sees standard error; null where nobody does.</summary>
    public TextReader? Terminal { get; init; }

    /// <summary>Environment variables.</summary>
    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    /// <summary>Where this program is; null where the system does not say.</summary>
    public string? ProgramPath { get; init; } = Environment.ProcessPath;

    /// <summary>Whether a person sees standard output as it is written. False: no colours, no moving parts.</summary>
    public bool OutputIsTerminal { get; init; }

    /// <summary>Whether colours are wanted at all (no-color.org).</summary>
    public bool WantsColour => !(Variables.TryGetValue("NO_COLOR", out string? value) && value.Length > 0);

    /// <summary>Those of this process.</summary>
    internal static Surroundings OfProcess()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables()) variables[(string)entry.Key] = (string?)entry.Value ?? "";
        return new Surroundings
        {
            Output = Console.OpenStandardOutput(),
            Error = Console.Error,
            Terminal = Console.IsInputRedirected || Console.IsErrorRedirected ? null : Console.In,
            Variables = variables,
            OutputIsTerminal = !Console.IsOutputRedirected,
        };
    }
}
