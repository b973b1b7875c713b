using System.CommandLine;
using Overlay.Discovery;
using Overlay.Node.Configuration;
using Overlay.Node.Doctor;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary><c>overlay doctor</c>: what would keep this node from earning, and what to do about each.</summary>
internal static class DoctorCommand
{
    private const int DefaultWait = 20, MaxWait = 3600;
    private const string DefaultTimeServer = "pool.ntp.org";
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1), s_clockPatience = TimeSpan.FromSeconds(3);

    internal static Command Create(CommandTree tree)
    {
        var command = new Command("doctor", "Look for what would keep this node from earning: key, ledger, disk, clock, settings, reachability; each with its remedy.");
        var options = new SettingOptions(command, [.. Settings.All]);
        var wait = new Option<string>("--wait") { HelpName = "SECONDS", Description = $"How long peers may take to find out whether this node can be dialled; {DefaultWait} by default." };
        var server = new Option<string>("--time-server") { HelpName = "HOST", Description = $"Who is asked for the time; {DefaultTimeServer} by default, 'none' asks nobody." };
        command.Options.Add(wait);
        command.Options.Add(server);
        return tree.Complete(
            command,
            invocation => RunAsync(invocation, invocation.Read(options), TimeSpan.FromSeconds(CommandNumbers.Read(wait.Name, invocation.Find(wait), DefaultWait, MaxWait)), invocation.Find(server) ?? DefaultTimeServer),
            "overlay doctor --config /etc/overlay/node.json", "overlay doctor --share --region DE --price 0.05 --json");
    }

    private static async Task<int> RunAsync(Invocation invocation, SettingValues settings, TimeSpan patience, string timeServer)
    {
        string folder = DataFolder.Of(settings);
        bool isWell = true;
        void Tell(Finding finding)
        {
            isWell &= finding.Health != Health.Bad;
            invocation.Output.Write(finding);
        }

        OverlayOptions asked = RunOptions.ForDoctor(settings);
        Tell(HostChecks.Key(folder));
        Tell(await HostChecks.LedgerAsync(folder, invocation.Stop));
        Tell(HostChecks.Disk(folder));
        Tell(HostChecks.Descriptors());
        if (timeServer != "none") Tell(await HostChecks.ClockAsync(timeServer, s_clockPatience, TimeProvider.System, invocation.Stop));
        foreach (Finding finding in NodeChecks.Settings(asked)) Tell(finding);
        if (asked.Sharing is { } sharing)
        {
            Tell(NodeChecks.Consent(folder, sharing));
            Tell(NodeChecks.Limits(folder));
        }

        foreach (Finding finding in await LookAroundAsync(invocation, folder, asked, patience)) Tell(finding);
        if (isWell) return ExitCode.Done;
        throw new RefusalException("something keeps this node from earning; see above");
    }

    // A node that runs is not disturbed: its own record of its peers tells enough.
    private static async Task<IReadOnlyList<Finding>> LookAroundAsync(Invocation invocation, string folder, OverlayOptions asked, TimeSpan patience)
    {
        if (OverlayDiscovery.ReadRunning(folder) is { } running)
            return [new("node", Health.Good, "runs"), NodeChecks.Peers(running.Count), NodeChecks.Reachability(new(Discovery.Reachability.ReachabilityVerdict.Unknown, [], []), running)];
        OverlayNode node;
        try
        {
            // In memory and without sharing: looking changes nothing and serves nobody.
            node = await OverlayNode.StartAsync(asked with { DataDirectory = null, Sharing = null, Socks = null, HttpProxy = null }, new OverlayServices { LoggerFactory = invocation.Logging }, invocation.Stop);
        }
        catch (OverlayException e)
        {
            return [new("listening", Health.Bad, e.Message, "Another program has the port: stop it, or name another with --listen.")];
        }

        await using (node)
        {
            TimeSpan waited = TimeSpan.Zero;
            for (; waited < patience && node.Discovery.Reachability.Verdict == Discovery.Reachability.ReachabilityVerdict.Unknown; waited += s_look) await Task.Delay(s_look, invocation.Stop);
            return
            [
                new("listening", Health.Good, string.Join(", ", node.Addresses.Select(address => address.WithoutPeerId()))),
                NodeChecks.Peers(node.Discovery.Peers.Count),
                NodeChecks.Reachability(node.Discovery.Reachability, node.Discovery.Peers),
            ];
        }
    }
}
