using System.CommandLine;

namespace Overlay.Node.Commands;

/// <summary>The options of every command.</summary>
internal sealed class GlobalOptions
{
    internal Option<bool> Json { get; } = new("--json") { Description = "Say everything as JSON, one object a line.", Recursive = true };

    internal Option<bool> Verbose { get; } = new("--verbose") { Description = "Log what goes on, to standard error.", Recursive = true };
}
