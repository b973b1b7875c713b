using System.Net;
using System.Net.Sockets;
using Overlay.TestKit;

namespace Overlay.Interop.Tests.Harness;

/// <summary>Finds the installed programs that the tests are about. A missing one skips the calling test, and fails it under CI.</summary>
internal static class RealTools
{
    private static readonly string[] s_extraFolders = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

    internal static string Find(string program)
    {
        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        string? found = folders.Concat(s_extraFolders).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        if (found is null) Repository.SkipOrFail($"{program} is not installed");
        return found!;
    }

    /// <summary>The folder of the js-libp2p peer, with its packages installed.</summary>
    internal static string FindJsPeer()
    {
        string folder = Path.Combine(Repository.Root, "tests", "Interop.Tests", "js");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
            Repository.SkipOrFail("the js-libp2p peer is not installed (npm ci in tests/Interop.Tests/js)");
        return folder;
    }

    /// <summary>A TCP port of loopback that was free a moment ago, for programs that cannot be given port 0 or must keep theirs over a restart.</summary>
    internal static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
