using System.CommandLine;
using System.CommandLine.Parsing;
using Overlay.Node.Configuration;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary>What is said of a command line that cannot be understood.</summary>
internal static class ArgumentErrors
{
    /// <summary>One line that names the mistake and the way on; the help, where nothing was asked for at all.</summary>
    internal static int Refuse(Command root, ParseResult parsed, TextWriter error)
    {
        string[] path = [.. Path(parsed.CommandResult)];
        if (parsed.CommandResult.Command.Subcommands.Count > 0 && parsed.UnmatchedTokens.Count == 0)
            root.Parse([.. path, "--help"]).Invoke(new InvocationConfiguration { Output = error, Error = error });
        else
            error.WriteLine($"overlay: {PlainText.OneLine(Describe(parsed))} Try '{string.Join(' ', path.Prepend("overlay"))} --help'.");
        return ExitCode.WrongUsage;
    }

    private static string Describe(ParseResult parsed)
    {
        if (parsed.UnmatchedTokens is not [string stranger, ..]) return parsed.Errors[0].Message;
        bool isFlag = stranger.StartsWith('-');
        IEnumerable<string> known = isFlag
            ? Upwards(parsed.CommandResult).SelectMany((result, level) => result.Command.Options.Where(option => level == 0 || option.Recursive)).Select(option => option.Name)
            : parsed.CommandResult.Command.Subcommands.Select(command => command.Name);
        string[] names = [.. known];
        return names.Length == 0
            ? $"nothing is to follow here, but '{stranger}' does."
            : $"there is no {(isFlag ? "option" : "command")} '{stranger}' here; the nearest is '{NearestName.Among(names, stranger)}'.";
    }

    /// <summary>The words that lead to a command, without the program's own name.</summary>
    private static IEnumerable<string> Path(CommandResult command) => Upwards(command).Reverse().Skip(1).Select(result => result.Command.Name);

    private static IEnumerable<CommandResult> Upwards(CommandResult command)
    {
        for (CommandResult? at = command; at is not null; at = at.Parent as CommandResult) yield return at;
    }
}
