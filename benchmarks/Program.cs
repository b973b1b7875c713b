using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Overlay.Benchmarks.Transport;
using Overlay.Benchmarks.Transport.Baselines;

// dotnet run -c Release --project benchmarks -- throughput [--mib 1024] [--rounds 5]
if (args is ["throughput", ..])
{
    ThroughputSubject[] subjects = [new BareSocket(), new TlsSocket(), new FramedChaCha(), new OneStream()];
    return await ThroughputTable.RunAsync(subjects, args[1..]);
}

// In this process: a project that the harness generates would be held to this repository's locked packages and strict build.
IConfig config = DefaultConfig.Instance.AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
return 0;
