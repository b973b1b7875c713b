using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Overlay.Benchmarks;
using Overlay.Benchmarks.Soak;
using Overlay.Benchmarks.Transport;
using Overlay.Benchmarks.Transport.Baselines;

// docs/performance.md says what each command measures. Whatever is none of them goes to BenchmarkDotNet.
try
{
    switch (args)
    {
        case ["throughput", ..]:
            ThroughputSubject[] subjects = [new BareSocket(), new TlsSocket(), new FramedChaCha(), new OneStream()];
            return await ThroughputTable.RunAsync(subjects, args[1..]);
        case ["soak", ..]:
            return await SoakRun.RunAsync(SoakSettings.Read(new CommandOptions(args.AsSpan(1))));
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
