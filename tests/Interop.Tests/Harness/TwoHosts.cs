using System.Runtime.InteropServices;
using Overlay.TestKit;

namespace Overlay.Interop.Tests.Harness;

/// <summary>Two network namespaces with a cable between them: a LAN of two hosts on this one, which nobody else hears. Needs root.</summary>
internal sealed partial class TwoHosts : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
    private static int _count;

    private TwoHosts(string first, string second)
    {
        First = first;
        Second = second;
    }

    /// <summary>The namespaces' names.</summary>
    internal string First { get; }

    internal string Second { get; }

    /// <summary>Lays the cable; skips the test where that is not allowed.</summary>
    /// <param name="firstAddress">With the length of its prefix, such as <c>10.77.0.1/24</c>.</param>
    /// <param name="secondAddress">In the same network.</param>
    internal static async Task<TwoHosts> CreateAsync(string firstAddress, string secondAddress)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("Network namespaces are Linux's.");
        if (GetEffectiveUserId() != 0) Assert.Skip("Network namespaces need root.");
        string name = $"ovl{Environment.ProcessId}-{Interlocked.Increment(ref _count)}";
        var hosts = new TwoHosts(name + "a", name + "b");
        if (await TryRunAsync("netns", "add", hosts.First) is { } refusal) Repository.SkipOrFail($"a network namespace cannot be made: {refusal}");
        try
        {
            await RunAsync("netns", "add", hosts.Second);
            await RunAsync("link", "add", "lan0", "netns", hosts.First, "type", "veth", "peer", "name", "lan0", "netns", hosts.Second);
            foreach ((string host, string address) in new[] { (hosts.First, firstAddress), (hosts.Second, secondAddress) })
            {
                string[] family = address.Contains(':', StringComparison.Ordinal) ? ["nodad"] : [];
                await RunAsync(["-n", host, "addr", "add", address, "dev", "lan0", .. family]);
                await RunAsync("-n", host, "link", "set", "lan0", "up");
                await RunAsync("-n", host, "link", "set", "lo", "up");
                // Some programs leave it to the routes where multicast goes, as it works on any LAN with a router.
                await RunAsync("-n", host, "route", "add", "default", "dev", "lan0");
            }

            return hosts;
        }
        catch
        {
            await hosts.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes the cable carry no more than so much each way, with a queue of 50 ms; skips the test where the kernel cannot.</summary>
    /// <param name="rate">As tc(8) writes rates, such as <c>20mbit</c>.</param>
    internal async Task NarrowAsync(string rate)
    {
        foreach (string host in new[] { First, Second })
        {
            await using ChildProcess tc = Start(host, RealTools.Find("tc"), ["qdisc", "add", "dev", "lan0", "root", "tbf", "rate", rate, "burst", "16kb", "latency", "50ms"]);
            if (await tc.WaitForExitAsync(s_patience, CancellationToken.None) != 0) Repository.SkipOrFail($"a cable cannot be made narrow: {tc.Errors}");
        }
    }

    /// <summary>Starts a program on one of the hosts.</summary>
    internal static ChildProcess Start(string host, string program, IEnumerable<string> arguments, string? workingDirectory = null) =>
        ChildProcess.Start(RealTools.Find("ip"), ["netns", "exec", host, program, .. arguments], workingDirectory);

    /// <summary>Runs <c>ip</c> for what a test needs beyond two addresses.</summary>
    internal static Task ConfigureAsync(params string[] arguments) => RunAsync(arguments);

    public async ValueTask DisposeAsync()
    {
        // The cable goes with the namespaces.
        await TryRunAsync("netns", "delete", First);
        await TryRunAsync("netns", "delete", Second);
    }

    private static async Task RunAsync(params string[] arguments)
    {
        if (await TryRunAsync(arguments) is { } error) throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {error}");
    }

    private static async Task<string?> TryRunAsync(params string[] arguments)
    {
        await using var process = ChildProcess.Start(RealTools.Find("ip"), arguments);
        return await process.WaitForExitAsync(s_patience, CancellationToken.None) == 0 ? null : process.Errors;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
