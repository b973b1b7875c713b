using System.Globalization;
using Overlay.Node.Commands;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Doctor;

/// <summary>What of this machine would keep a node from earning: its disk, its clock, its limits.</summary>
internal static class HostChecks
{
    // A sealed GiB of service takes some tens of KiB of ledger; below the second SQLite itself may fail any moment.
    private const ulong AmpleSpace = 1UL << 30, LeastSpace = 64UL << 20;
    private const int AmpleDescriptors = 1024;

    // An offer is dated to the second and good for minutes.
    private static readonly TimeSpan s_goodClock = TimeSpan.FromSeconds(5), s_worstClock = TimeSpan.FromMinutes(1);

    internal static Finding Key(string folder)
    {
        string file = DataFolder.KeyFile(folder);
        if (!File.Exists(file)) return new("key", Health.Doubtful, $"there is none yet at {file}", "The node makes one when it starts, and so does: overlay id");
        if (OperatingSystem.IsWindows()) return new("key", Health.Good, file);
        UnixFileMode mode = File.GetUnixFileMode(file);
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        return (mode & Others) == 0
            ? new("key", Health.Good, file)
            : new("key", Health.Bad, $"others may read or write {file}", $"chmod 600 {file}");
    }

    internal static async Task<Finding> LedgerAsync(string folder, CancellationToken cancellationToken)
    {
        string file = DataFolder.LedgerFile(folder);
        if (!File.Exists(file)) return new("ledger", Health.Good, "there is none yet; the node makes one when it starts");
        try
        {
            await using SqliteLedgerStore store = await SqliteLedgerStore.OpenReadOnlyAsync(file, cancellationToken);
            return new("ledger", Health.Good, file);
        }
        catch (LedgerException e)
        {
            return new("ledger", Health.Bad, e.Message, e.Reason == LedgerError.Damaged ? "Keep it and begin a new one: overlay ledger set-aside" : "See that the folder is there and readable by this user.");
        }
    }

    internal static Finding Disk(string folder)
    {
        try
        {
            string? existing = Path.GetFullPath(folder);
            while (existing is not null && !Directory.Exists(existing)) existing = Path.GetDirectoryName(existing);
            if (existing is null) return new("disk", Health.Bad, $"no folder on the way to {folder} exists", "Name a folder on a disk that is there: --data DIR");
            ulong free = (ulong)new DriveInfo(existing).AvailableFreeSpace;
            string text = $"{Units.Size(free)} free at {existing}";
            return free >= AmpleSpace ? new("disk", Health.Good, text)
                : new("disk", free >= LeastSpace ? Health.Doubtful : Health.Bad, text, "Make room: a node that cannot write its ledger stops serving.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new("disk", Health.Doubtful, $"could not be looked at: {e.Message}");
        }
    }

    internal static async Task<Finding> ClockAsync(string server, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        TimeSpan? offset = await NetworkTime.AskAsync(server, patience, time, cancellationToken);
        return offset is { } known ? Clock(known) : new("clock", Health.Doubtful, $"{server} does not answer: the clock could not be compared", "Name another with --time-server HOST.");
    }

    internal static Finding Clock(TimeSpan offset)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(offset.TotalSeconds):0.0} s {(offset < TimeSpan.Zero ? "fast" : "slow")}");
        TimeSpan off = offset.Duration();
        return off <= s_goodClock ? new("clock", Health.Good, text)
            : new("clock", off <= s_worstClock ? Health.Doubtful : Health.Bad, text, "Offers and demand are dated: set the clock, or let systemd do it: timedatectl set-ntp true");
    }

    internal static Finding Descriptors()
    {
        const string Limits = "/proc/self/limits", Name = "Max open files";
        if (!File.Exists(Limits)) return new("descriptors", Health.Good, "this system has no such limit that can be read");
        string? line = File.ReadLines(Limits).FirstOrDefault(one => one.StartsWith(Name, StringComparison.Ordinal));
        string soft = line is null ? "" : line[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return !int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count >= AmpleDescriptors
            ? new("descriptors", Health.Good, $"{soft} files and sockets may be open at once")
            : new("descriptors", Health.Doubtful, $"only {count} files and sockets may be open at once", $"ulimit -n {4 * AmpleDescriptors}, or LimitNOFILE={4 * AmpleDescriptors} in the unit");
    }
}
