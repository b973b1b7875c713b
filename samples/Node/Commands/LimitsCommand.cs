using System.CommandLine;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Sharing.Limits;

namespace Overlay.Node.Commands;

/// <summary><c>overlay limits</c>: what strangers may have of the line. Of the node that runs on the data folder, or of the next one that starts
/// there.</summary>
internal static class LimitsCommand
{
    // A running node looks every half second.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3), s_look = TimeSpan.FromMilliseconds(50);

    internal static Command Create(CommandTree tree)
    {
        var command = new Command("limits", "Show or change what others may have of your line; works while the node runs.")
        {
            Set(tree), Pause(tree, "pause"), Pause(tree, "resume"),
        };
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(
            command,
            invocation =>
            {
                string folder = DataFolder.Of(invocation.Read(options));
                invocation.Output.Write(new LimitsLine(OverlaySharing.ReadLimits(folder) ?? new OwnerLimits(), OverlaySharing.ReadRunning(folder),
                    TakenBy.Nobody));
                return Task.FromResult(ExitCode.Done);
            },
            "overlay limits", "overlay limits --json", "overlay limits set --max-upload 20 --monthly-quota 500GiB --hibernate", "overlay limits pause");
    }

    private static Command Set(CommandTree tree)
    {
        var command = new Command("set", "Change the limits that are named, and leave the others. 'none' takes a limit away.");
        var options = new SettingOptions(command, Settings.Data);
        var changes = new LimitsOptions(command);
        return tree.Complete(command, invocation =>
        {
            string folder = DataFolder.Of(invocation.Read(options));
            return ChangeAsync(invocation, folder, changes.Read(invocation));
        }, "overlay limits set --max-upload 20 --max-download 50", "overlay limits set --monthly-quota 500GiB --reset-day 15 --hibernate",
            "overlay limits set --schedule \"mon-fri 22:00-07:00\" --schedule sat,sun", "overlay limits set --max-upload none --no-yield");
    }

    private static Command Pause(CommandTree tree, string name)
    {
        bool isPause = name == "pause";
        var command = new Command(name, isPause ? "Serve nobody until 'resume': last receipts are taken and all sessions end."
            : "Serve again, as the other limits allow.");
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(
            command,
            invocation => ChangeAsync(invocation, DataFolder.Of(invocation.Read(options)), limits => limits with { Paused = isPause }),
            $"overlay limits {name}");
    }

    private static async Task<int> ChangeAsync(Invocation invocation, string folder, Func<OwnerLimits, OwnerLimits> change)
    {
        OwnerLimits limits = change(OverlaySharing.ReadLimits(folder) ?? new OwnerLimits());
        string revision = OverlaySharing.WriteLimits(folder, limits);
        SharingState? state = OverlaySharing.ReadRunning(folder);
        using var deadline = new CancellationTokenSource(s_patience);
        while (state is not null && state.Revision != revision && !deadline.IsCancellationRequested)
        {
            await Task.Delay(s_look, invocation.Stop);
            state = OverlaySharing.ReadRunning(folder);
        }

        TakenBy taken = state is null ? TakenBy.NextStart : state.Revision == revision ? TakenBy.Node : TakenBy.NotYet;
        invocation.Output.Write(new LimitsLine(limits, state, taken));
        return taken == TakenBy.NotYet ? ExitCode.Refused : ExitCode.Done;
    }
}
