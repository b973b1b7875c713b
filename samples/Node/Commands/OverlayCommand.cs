using System.CommandLine;
using System.CommandLine.Help;

namespace Overlay.Node.Commands;

/// <summary>The whole tree of commands.</summary>
internal static class OverlayCommand
{
    internal static RootCommand Create(GlobalOptions globals, Surroundings surroundings)
    {
        var tree = new CommandTree(globals, surroundings);
        var root = new RootCommand("Share, sell or buy idle bandwidth over a decentralised network.")
        {
            DemoCommand.Create(tree),
            RunCommand.Create(tree),
            IdCommand.Create(tree),
            PingCommand.Create(tree),
            IdentifyCommand.Create(tree),
            PerfCommand.Create(tree),
            LedgerCommand.Create(tree),
        };
        root.Options.Add(globals.Json);
        root.Options.Add(globals.Verbose);
        tree.Complete(root, "overlay demo", "overlay run --share --region DE --price 0.05", "overlay run --help");
        foreach (Option option in root.Options)
            if (option is HelpOption { Action: HelpAction inner } help) help.Action = new HelpWithExamples(inner, tree.Examples);
        return root;
    }
}
