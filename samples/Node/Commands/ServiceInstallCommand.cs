using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary><c>overlay service install</c>: writes a systemd unit that lets the node do what it needs and nothing else.</summary>
internal static class ServiceInstallCommand
{
    private const string SystemFolder = "/etc/systemd/system";

    // What ProtectHome= hides (systemd.exec(5)).
    private static readonly string[] s_homes = ["home", "root", "run/user"];

    internal static Command Create(CommandTree tree)
    {
        var config = new Option<string>("--config") { HelpName = "FILE", Description = "The node's configuration file; by default /etc/overlay/node.json." };
        var folder = new Option<string>("--unit-folder") { HelpName = "DIR", Description = $"Where units are kept; {SystemFolder} by default." };
        var print = new Option<bool>("--print") { Description = "Show the unit and write nothing." };
        var command = new Command("install", "Write a hardened systemd unit that runs the node from a configuration file.") { config, folder, print };
        return tree.Complete(
            command,
            async invocation =>
            {
                string file = Path.GetFullPath(invocation.Find(config) ?? "/etc/overlay/node.json");
                string unit = SystemdUnit.Write(Reachable(ProgramPath(invocation), "This program"), Reachable(file, "The configuration file"));
                if (invocation.Has(print))
                {
                    await invocation.WriteFileTextAsync(unit);
                    return ExitCode.Done;
                }

                if (!File.Exists(file)) throw new RefusalException($"There is no configuration file {file}: write it first, {{\"share\":true,\"region\":\"DE\",\"price\":\"0.05\"}} for example, or name another with --config.");
                // As the service will read it: a mistake in it is told now.
                SettingValues settings = SettingValues.Merge(ConfigurationFile.Read(file), new Dictionary<string, string>(), new Dictionary<Setting, IReadOnlyList<string>>());
                string path = Path.Combine(invocation.Find(folder) ?? SystemFolder, SystemdUnit.Name);
                await WriteAsync(path, unit, invocation.Stop);
                invocation.Output.Write(new Answer(path, file, settings.IsOn(Settings.Share)));
                return ExitCode.Done;
            },
            "overlay service install --config /etc/overlay/node.json",
            "overlay service install --print");
    }

    private static string ProgramPath(Invocation invocation)
    {
        string path = invocation.ProgramPath ?? throw new RefusalException("The system does not say where this program is.");
        // A unit must not depend on which SDK is installed where.
        if (Path.GetFileNameWithoutExtension(path) == "dotnet") throw new RefusalException("This is run by 'dotnet': install the program itself first, as docs/getting-started.md shows.");
        return path;
    }

    // The unit sees no home.
    private static string Reachable(string path, string what) =>
        s_homes.FirstOrDefault(home => path.StartsWith($"/{home}/", StringComparison.Ordinal)) is { } home
            ? throw new RefusalException($"{what} is {path}, and a service of the system sees nothing below /{home}: put it elsewhere, /opt/overlay or /etc/overlay for example.")
            : path;

    private static async Task WriteAsync(string path, string unit, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllTextAsync(path, unit, cancellationToken);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RefusalException($"{e.Message} Units of the system are written by root: sudo overlay service install.");
        }
        catch (DirectoryNotFoundException)
        {
            throw new RefusalException($"There is no folder {Path.GetDirectoryName(path)}: this system does not seem to run systemd. --print shows the unit.");
        }
    }

    private sealed class Answer(string path, string config, bool shares) : IMessage
    {
        public string Event => "installed";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("unit"u8, path);
            json.WriteString("config"u8, config);
        }

        public void WriteText(TextPage page)
        {
            page.Heading($"Written: {path}");
            page.Line("It runs under a user of its own and may write /var/lib/overlay alone. Next:");
            if (shares) page.Line($"  sudo overlay consent give --data /var/lib/overlay --config {config}");
            page.Line("  sudo systemctl daemon-reload");
            page.Line("  sudo systemctl enable --now overlay");
            page.Line("  journalctl -u overlay -f");
        }
    }
}
