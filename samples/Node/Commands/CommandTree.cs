using System.CommandLine;

namespace Overlay.Node.Commands;

/// <summary>What the commands share while they are put together.</summary>
internal sealed class CommandTree(GlobalOptions globals, Surroundings surroundings)
{
    private readonly Dictionary<Command, string[]> _examples = [];

    /// <summary>Every command's examples.</summary>
    internal IReadOnlyDictionary<Command, string[]> Examples => _examples;

    /// <summary>Gives a command its work and its examples.</summary>
    internal Command Complete(Command command, Func<Invocation, Task<int>> work, params string[] examples)
    {
        _examples.Add(command, examples);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var invocation = new Invocation(parsed, globals, surroundings, cancellationToken);
            return await work(invocation);
        });
        return command;
    }

    /// <summary>Gives a command that only has others below it its examples.</summary>
    internal Command Complete(Command command, params string[] examples)
    {
        _examples.Add(command, examples);
        return command;
    }
}
