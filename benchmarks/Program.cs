using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Overlay.Benchmarks;
using Overlay.Benchmarks.Goals;
using Overlay.Benchmarks.Gossip;
using Overlay.Benchmarks.Ledger;
using Overlay.Benchmarks.Plots;
using Overlay.Benchmarks.Soak;
using Overlay.Benchmarks.Transport;

// docs/performance.md says what each command measures. Whatever is none of them goes to BenchmarkDotNet.
var commands = new Dictionary<string, (string Usage, Func<CommandOptions, Task<int>> Run)>(StringComparer.Ordinal)
{
    ["goals"] = (GoalTable.Usage, options => GoalTable.Read(options).PrintAsync()),
    ["throughput"] = (Throughput.Usage, options => Throughput.Read(options).PrintAsync()),
    ["messages"] = (SmallMessages.Usage, options => SmallMessages.Read(options).PrintAsync()),
    ["dials"] = (Dials.Usage, options => Dials.Read(options).PrintAsync()),
    ["streams"] = (StreamOpening.Usage, options => StreamOpening.Read(options).PrintAsync()),
    ["idle"] = (IdleConnections.Usage, options => IdleConnections.Read(options).PrintAsync()),
    ["long-link"] = (LongLinkTransfer.Usage, options => LongLinkTransfer.Read(options).PrintAsync()),
    ["cipher"] = (CipherFloor.Usage, options => Task.FromResult(CipherFloor.Read(options).Print())),
    ["ledger"] = (LedgerFile.Usage, options => LedgerFile.Read(options).PrintAsync()),
    ["gossip"] = (GossipMessages.Usage, options => GossipMessages.Read(options).PrintAsync()),
    ["plots"] = (DiscoveryPlots.Usage, options => Task.FromResult(DiscoveryPlots.Read(options).Draw())),
    ["soak"] = (SoakSettings.Usage, options => SoakRun.RunAsync(SoakSettings.Read(options))),
    // Started by the commands above, as their other ends.
    [FarEnd.Command] = ("", _ => FarEnd.RunAsync()),
    [GossipReader.Command] = ("", _ => GossipReader.RunAsync()),
    [SoakPeer.Command] = ("", SoakPeer.RunAsync),
};

if (args.Length > 0 && commands.TryGetValue(args[0], out var command))
{
    try
    {
        return await command.Run(new CommandOptions(args.AsSpan(1)));
    }
    catch (UsageException e)
    {
        await Console.Error.WriteLineAsync($"{e.Message}\n{command.Usage}");
        return 2;
    }
}

// In this process: a project that the harness generates would be held to this repository's locked packages and strict build.
IConfig config = DefaultConfig.Instance.AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
return 0;
