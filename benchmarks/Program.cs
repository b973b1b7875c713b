using BenchmarkDotNet.Running;
using Overlay.Benchmarks.Transport;
using Overlay.Benchmarks.Transport.Baselines;

// dotnet run -c Release --project benchmarks -- throughput [--mib 1024] [--rounds 5]
if (args is ["throughput", ..])
{
    ThroughputSubject[] subjects = [new BareSocket(), new TlsSocket(), new FramedChaCha(), new OneStream()];
    return await ThroughputTable.RunAsync(subjects, args[1..]);
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
