using System.Collections.Immutable;

namespace Overlay.Sharing;

/// <summary>Ports that a range does not open: what strangers would do through them falls back on the line's owner. Each opens only when it is named by
/// itself.</summary>
internal static class GuardedPorts
{
    private static readonly PortRange[] s_guarded =
    [
        22, // SSH: guessing passwords
        23, 2323, // Telnet
        25, 465, 587, 2525, // mail is sent here: spam (RFC 5321, RFC 8314, RFC 6409)
        111, 2049, // ONC RPC and NFS
        new(135, 139), 445, // Windows RPC, NetBIOS, SMB
        new(512, 514), // rexec, rlogin, rsh
        1433, 1434, 3306, 5432, 6379, 9200, 11211, 27017, // databases and caches
        2375, 2376, // Docker
        3389, // remote desktops
        5555, // Android's debug bridge
        new(5900, 5909), // VNC
        5985, 5986, // Windows remote management
    ];

    /// <summary>Whether a range leaves the port closed.</summary>
    internal static bool Contains(int port)
    {
        foreach (PortRange guarded in s_guarded)
            if (guarded.Contains(port)) return true;
        return false;
    }

    /// <summary>The ports that a list of ports and ranges opens, each once: ranges without the guarded ones.</summary>
    internal static ImmutableSortedSet<int> Open(IEnumerable<PortRange> ranges)
    {
        ImmutableSortedSet<int>.Builder open = ImmutableSortedSet.CreateBuilder<int>();
        foreach (PortRange range in ranges)
            for (int port = Math.Max(range.First, 1); port <= range.Last; port++)
                if (range.IsOnePort || !Contains(port)) open.Add(port);
        return open.ToImmutable();
    }

    /// <summary>The one way to write a set of ports as ranges: ascending, neighbours joined.</summary>
    internal static IReadOnlyList<PortRange> Join(IEnumerable<int> ascending)
    {
        var ranges = new List<PortRange>();
        foreach (int port in ascending)
        {
            if (ranges.Count > 0 && ranges[^1].Last == port - 1) ranges[^1] = new PortRange(ranges[^1].First, port);
            else ranges.Add(port);
        }

        return ranges;
    }
}
