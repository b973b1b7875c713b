using System.Diagnostics;
using System.Net;
using Overlay.TestKit.HostilePeers;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.HostileSoak;

/// <summary>The node that is misbehaved against, in a process of its own, so that what it takes can be told from what its attackers take.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private const string Argument = "--serve";
    private const string ExemptArgument = "exempt";
    private const string CollectCommand = "collect";

    private readonly Process _process;

    private NodeProcess(Process process, Multiaddr address)
    {
        _process = process;
        Address = address;
    }

    internal Multiaddr Address { get; }

    /// <summary>Memory of the process that is in RAM, in bytes.</summary>
    internal long ResidentSize
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Processor time of the process so far, on all cores.</summary>
    internal TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    internal bool IsAlive => !_process.HasExited;

    internal static bool IsChild(string[] args) => args is [Argument, ..];

    /// <summary>The child's work: serves, and collects its garbage when told to, until its standard input ends.</summary>
    internal static async Task ServeAsync(string[] args)
    {
        using var identity = PeerIdentity.Generate();
        // Loopback's addresses play machines of the internet, of which the visitor's has many peers behind it; unless they are to be what they are.
        var resources = args is [_, ExemptArgument]
            ? new ResourceOptions()
            : new ResourceOptions { PrefixRules = [.. PrefixRule.General, new PrefixRule(new IPNetwork(SoakRun.VisitorAddress, 32), 32)] };
        await using var host = new PeerHost(identity, new TransportOptions { ServePerf = true, Resources = resources });
        HonestPeer.Serve(host);
        Console.WriteLine(await host.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0")));
        while (await Console.In.ReadLineAsync() is { } command)
        {
            if (command != CollectCommand) continue;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            Console.WriteLine(CollectCommand);
        }
    }

    internal static async Task<NodeProcess> StartAsync(bool isExempt)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        // Started by the dotnet command, this process is that command, and the program its first argument.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet") start.ArgumentList.Add(typeof(NodeProcess).Assembly.Location);
        start.ArgumentList.Add(Argument);
        if (isExempt) start.ArgumentList.Add(ExemptArgument);
        Process process = Process.Start(start) ?? throw new InvalidOperationException("The node's process did not start.");
        string line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The node did not say where it listens.");
        return new NodeProcess(process, Multiaddr.Parse(line));
    }

    /// <summary>Has the node give back what its runtime only keeps for later: what is left is in use.</summary>
    internal async Task CollectAsync()
    {
        await _process.StandardInput.WriteLineAsync(CollectCommand);
        await _process.StandardOutput.ReadLineAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
