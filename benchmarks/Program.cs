using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Overlay.Benchmarks;
using Overlay.Benchmarks.Goals;
using Overlay.Benchmarks.Soak;
using Overlay.Benchmarks.Transport;

// docs/performance.md says what each command measures. Whatever is none of them goes to BenchmarkDotNet.
try
{
    switch (args)
    {
        case ["goals", ..]:
            return await GoalTable.Read(new CommandOptions(args.AsSpan(1))).PrintAsync();
        case ["throughput", ..]:
            return await Throughput.Read(new CommandOptions(args.AsSpan(1))).PrintAsync();
        case ["messages", ..]:
            return await SmallMessages.Read(new CommandOptions(args.AsSpan(1))).PrintAsync();
        case ["dials", ..]:
            return await Dials.Read(new CommandOptions(args.AsSpan(1))).PrintAsync();
        case ["streams", ..]:
            return await StreamOpening.Read(new CommandOptions(args.AsSpan(1))).PrintAsync();
        case ["idle", ..]:
            return await IdleConnections.Read(new CommandOptions(args.AsSpan(1))).PrintAsync();
        case ["cipher", ..]:
            return CipherFloor.Read(new CommandOptions(args.AsSpan(1))).Print();
        case ["long-link", ..]:
            return await LongLinkTransfer.Read(new CommandOptions(args.AsSpan(1))).PrintAsync();
        case ["soak", ..]:
            return await SoakRun.RunAsync(SoakSettings.Read(new CommandOptions(args.AsSpan(1))));
        case [FarEnd.Command]:
            return await FarEnd.RunAsync();
        case [SoakPeer.Command, ..]:
            return await SoakPeer.RunAsync(new CommandOptions(args.AsSpan(1)));
    }
}
catch (UsageException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}

// In this process: a project that the harness generates would be held to this repository's locked packages and strict build.
IConfig config = DefaultConfig.Instance.AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
return 0;
