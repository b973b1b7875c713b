using System.CommandLine;
using System.CommandLine.Help;

namespace Overlay.Node.Commands;

/// <summary>The whole tree of commands.</summary>
internal static class OverlayCommand
{
    internal static Command Create(GlobalOptions globals, Surroundings surroundings)
    {
        var tree = new CommandTree(globals, surroundings);
        // Not a RootCommand, which would call itself by the name of its assembly.
        var root = new Command("overlay", "Share, sell or buy idle bandwidth over a decentralised network.")
        {
            DemoCommand.Create(tree),
            RunCommand.Create(tree),
            ConsentCommand.Create(tree),
            BlockCommand.Create(tree),
            IdCommand.Create(tree),
            PeersCommand.Create(tree),
            PingCommand.Create(tree),
            IdentifyCommand.Create(tree),
            PerfCommand.Create(tree),
            DhtCommand.Create(tree),
            GossipCommand.Create(tree),
            MarketCommand.Create(tree),
            EstimateCommand.Create(tree),
            LimitsCommand.Create(tree),
            LedgerCommand.Create(tree),
            ClaimCommand.Create(tree),
            DoctorCommand.Create(tree),
            ServiceCommand.Create(tree),
            CompletionCommand.Create(tree),
        };
        root.Subcommands.Add(CompletionCommand.CreateSuggest(tree, root));
        var help = new HelpOption();
        root.Options.Add(help);
        root.Options.Add(new VersionOption());
        root.Options.Add(globals.Json);
        root.Options.Add(globals.Verbose);
        tree.Complete(root, "overlay demo", "overlay run --share --region DE --price 0.05", "overlay run --help");
        help.Action = new HelpWithExamples((HelpAction)help.Action!, tree.Examples);
        return root;
    }
}
