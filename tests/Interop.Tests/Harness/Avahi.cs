namespace Overlay.Interop.Tests.Harness;

/// <summary>avahi on a host of a <see cref="TwoHosts"/>, with a message bus of its own.</summary>
internal sealed class Avahi : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly string _host;
    private readonly TemporaryFolder _folder;
    private readonly ChildProcess _bus;
    private readonly ChildProcess _daemon;

    private Avahi(string host, TemporaryFolder folder, ChildProcess bus, ChildProcess daemon)
    {
        _host = host;
        _folder = folder;
        _bus = bus;
        _daemon = daemon;
    }

    private string BusAddress => $"unix:path={_folder.Path}/bus";

    internal static async Task<Avahi> StartAsync(string host)
    {
        string busProgram = RealTools.Find("dbus-daemon"), daemonProgram = RealTools.Find("avahi-daemon");
        RealTools.Find("avahi-browse");
        var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "bus.conf"),
            $"""
            <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig>
              <type>system</type>
              <listen>unix:path={folder.Path}/bus</listen>
              <auth>EXTERNAL</auth>
              <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
            </busconfig>
            """,
            TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "avahi.conf"), "[server]\nallow-interfaces=lan0\n", TestContext.Current.CancellationToken);
        var bus = ChildProcess.Start(busProgram, [$"--config-file={folder.Path}/bus.conf", "--nofork", "--print-address"]);
        await bus.ReadLineAsync(s_patience, TestContext.Current.CancellationToken);
        // A place of its own for its socket and lock, so that an avahi of the machine does not mind.
        string start = "mkdir -p /run/avahi-daemon && mount -t tmpfs tmpfs /run/avahi-daemon && exec env DBUS_SYSTEM_BUS_ADDRESS=unix:path=\"$0/bus\" "
            + $"{daemonProgram} -f \"$0/avahi.conf\" --no-drop-root --no-chroot --no-rlimits";
        return new Avahi(host, folder, bus, TwoHosts.Start(host, "sh", ["-c", start, folder.Path]));
    }

    /// <summary>What <c>avahi-browse</c> finds and resolves of a kind of service, a line each; asked again until there is something.</summary>
    internal async Task<IReadOnlyList<string>> BrowseAsync(string service)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(s_patience);
        while (true)
        {
            await using ChildProcess browse = TwoHosts.Start(
                _host, "env", [$"DBUS_SYSTEM_BUS_ADDRESS={BusAddress}", "avahi-browse", "--terminate", "--resolve", "--parsable", service]);
            await browse.WaitForExitAsync(s_patience, deadline.Token);
            string[] resolved = [.. browse.TakeLines().Where(line => line.StartsWith('='))];
            if (resolved.Length > 0) return resolved;
            // avahi itself takes a moment to come up and to hear of the node.
            if (deadline.IsCancellationRequested || _daemon.HasExited) Assert.Fail($"avahi found nothing:\n{browse.Errors}\n{_daemon.Errors}");
            await Task.Delay(TimeSpan.FromMilliseconds(200), deadline.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _bus.DisposeAsync();
        _folder.Dispose();
    }
}
