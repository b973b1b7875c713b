using System.CommandLine.Parsing;

namespace Overlay.Node.Commands;

internal static class CommandPath
{
    /// <summary>The words with which a command is called, such as <c>overlay ledger show</c>.</summary>
    internal static string Of(CommandResult command) =>
        string.Join(' ', Upwards(command).Reverse().Select(result => result.Command.Name).Skip(1).Prepend("overlay"));

    private static IEnumerable<CommandResult> Upwards(CommandResult command)
    {
        for (CommandResult? at = command; at is not null; at = at.Parent as CommandResult) yield return at;
    }
}
