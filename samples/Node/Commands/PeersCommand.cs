using System.CommandLine;
using Overlay.Discovery;
using Overlay.Node.Configuration;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary><c>overlay peers</c>: who is there. Of the node that runs on the data folder, or else by joining for a moment.</summary>
internal static class PeersCommand
{
    private const int DefaultWait = 5, MaxWait = 3600;

    internal static Command Create(CommandTree tree)
    {
        var command = new Command("peers", "Show the peers of the running node: who, since when, how found, how far. Joins for a moment when no node runs.");
        var options = new SettingOptions(command, Settings.Data, Settings.Bootstrap, Settings.NoMdns);
        var wait = new Option<string>("--wait")
        {
            HelpName = "SECONDS",
            Description = $"How long to look for peers when no node runs; {DefaultWait} by default.",
        };
        command.Options.Add(wait);
        return tree.Complete(command, async invocation =>
        {
            SettingValues settings = invocation.Read(options);
            TimeSpan patience = TimeSpan.FromSeconds(CommandNumbers.Read(wait.Name, invocation.Find(wait), DefaultWait, MaxWait));
            IReadOnlyList<NetworkPeer> peers = OverlayDiscovery.ReadRunning(DataFolder.Of(settings)) ?? await JoinAsync(invocation, settings, patience);
            invocation.Output.WriteTable(PeerLine.Columns, [.. peers.Select(peer => new PeerLine(peer, TimeProvider.System))]);
            return ExitCode.Done;
        }, "overlay peers", "overlay peers --data /var/lib/overlay --json", $"overlay peers --no-mdns --bootstrap {PeerProbe.ExampleAddress} --wait 10");
    }

    private static async Task<IReadOnlyList<NetworkPeer>> JoinAsync(Invocation invocation, SettingValues settings, TimeSpan patience)
    {
        string folder = DataFolder.Of(settings);
        var options = new OverlayOptions
        {
            // Whoever only looks leaves no folder behind.
            DataDirectory = File.Exists(DataFolder.KeyFile(folder)) ? folder : null,
            Listen = RunOptions.ListenAnywhere,
            Discovery = RunOptions.Discovery(settings),
        };
        await using OverlayNode node = await OverlayNode.StartAsync(options, new OverlayServices { LoggerFactory = invocation.Logging }, invocation.Stop);
        await Task.Delay(patience, invocation.Stop);
        return node.Discovery.Peers;
    }
}
