using System.Globalization;
using Overlay.Fuzzing.Engine;
using SharpFuzz;

namespace Overlay.Fuzzing;

/// <summary>The commands of the program. Each returns the exit code: 0 for nothing found, 1 for findings, 2 for a wrong command, 3 for an input that never ends.</summary>
internal static class Commands
{
    // Far above what one target's parser has ways, and little enough to read and to replay with every build.
    private const int MaxCorpusCount = 300;

    internal static int Usage()
    {
        Console.Error.WriteLine(
            """
            TARGET [--executions N] [--seconds N] [--seed N] [--corpus FOLDER] [--output FOLDER]
                              fuzzes in this process; FOLDER takes new inputs, and findings as crash-…
            list              names the targets
            replay TARGET FILE...
                              runs inputs and says what becomes of each
            minimize TARGET FOLDER...
                              makes the target's corpus in the repository of these folders and itself
            seeds             writes the inputs that encoders and vectors give into the corpora
            afl TARGET        for afl-fuzz: speaks its protocol and reads its inputs
            """);
        return 2;
    }

    internal static int List()
    {
        foreach (FuzzTarget target in FuzzTargets.All) Console.WriteLine(target.Name);
        return 0;
    }

    internal static int Fuzz(string name, string[] options)
    {
        if (FuzzTargets.Find(name) is not { } target || options.Length % 2 != 0) return Usage();
        var limits = new FuzzLoopOptions();
        string corpus = Corpus.FolderOf(target);
        string? output = null;
        for (int i = 0; i < options.Length; i += 2)
        {
            string value = options[i + 1];
            switch (options[i])
            {
                case "--executions":
                    limits = limits with { Executions = long.Parse(value, CultureInfo.InvariantCulture) };
                    break;
                case "--seconds":
                    limits = limits with { Executions = long.MaxValue, Duration = TimeSpan.FromSeconds(int.Parse(value, CultureInfo.InvariantCulture)) };
                    break;
                case "--seed":
                    limits = limits with { Seed = int.Parse(value, CultureInfo.InvariantCulture) };
                    break;
                case "--corpus":
                    corpus = value;
                    break;
                case "--output":
                    output = value;
                    break;
                default:
                    return Usage();
            }
        }

        using var cancellation = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            cancellation.Cancel();
        };
        var loop = new FuzzLoop(target, limits);
        string crashes = output ?? Path.Combine(Path.GetTempPath(), "overlay-fuzzing", target.Name);
        using var watchdog = new Watchdog(loop, input => Console.WriteLine($"{target.Name}: does not end: {Corpus.Write(crashes, input, "hang-")}"));
        FuzzReport report = loop.Run(Corpus.Read(corpus).Select(input => input.Bytes), cancellation.Token);
        if (output is not null)
            foreach (byte[] input in report.Queue) Corpus.Write(output, input);
        foreach (Finding finding in report.Findings)
        {
            Console.WriteLine($"{target.Name}: {Corpus.Write(crashes, finding.Input, "crash-")}");
            Console.WriteLine(finding.Error);
        }

        Console.WriteLine(Describe(target, report));
        return report.Findings.Count == 0 ? 0 : 1;
    }

    internal static int RunUnderAfl(string name)
    {
        if (FuzzTargets.Find(name) is not { } target) return Usage();
        var execution = new Execution(target, TimeProvider.System);
        byte[] buffer = new byte[1 << 20];
        Fuzzer.OutOfProcess.Run(stream =>
        {
            int size = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            execution.Run(buffer.AsSpan(0, Math.Min(size, target.MaxSize)));
        });
        return 0;
    }

    internal static int Replay(string name, string[] files)
    {
        if (FuzzTargets.Find(name) is not { } target) return Usage();
        var execution = new Execution(target, TimeProvider.System);
        int findings = 0;
        foreach (string file in files)
        {
            try
            {
                ExecutionCost cost = execution.Run(File.ReadAllBytes(file));
                Console.WriteLine($"{file}: {(cost.Accepted ? "accepted" : "refused")}, {cost.Allocated} of {cost.AllocationLimit} bytes allocated");
            }
#pragma warning disable CA1031 // Whatever escapes is what is looked for.
            catch (Exception error)
#pragma warning restore CA1031
            {
                findings++;
                Console.WriteLine($"{file}: {error}");
            }
        }

        return findings == 0 ? 0 : 1;
    }

    internal static int WriteSeeds()
    {
        foreach (FuzzTarget target in FuzzTargets.All)
            foreach (byte[] seed in target.Seeds) Corpus.Write(Corpus.FolderOf(target), seed);
        return 0;
    }

    internal static int Minimize(string name, string[] folders)
    {
        if (FuzzTargets.Find(name) is not { } target) return Usage();
        if (!CoverageMap.IsInstrumented)
        {
            Console.Error.WriteLine("The assemblies are not instrumented, so nothing says which inputs are needed. fuzz.sh makes instrumented ones.");
            return 2;
        }

        string corpus = Corpus.FolderOf(target);
        (string Name, byte[] Bytes)[] present = [.. Corpus.Read(corpus)];
        IEnumerable<byte[]> inputs = folders.SelectMany(Corpus.Read)
            .Where(input => !input.Name.StartsWith("crash-", StringComparison.Ordinal) && !input.Name.StartsWith("hang-", StringComparison.Ordinal))
            .Concat(present).Select(input => input.Bytes).Concat(target.Seeds);
        List<byte[]> kept = CorpusMinimizer.Minimize(target, inputs.Where(input => input.Length <= target.MaxSize), MaxCorpusCount);
        foreach ((string file, _) in present)
            if (!Corpus.IsRegression(file)) File.Delete(Path.Combine(corpus, file));
        foreach (byte[] input in kept) Corpus.Write(corpus, input);
        Console.WriteLine($"{target.Name}: {kept.Count} inputs, {kept.Sum(input => input.Length)} bytes");
        return 0;
    }

    // One row of the table in docs/fuzzing.md.
    private static string Describe(FuzzTarget target, FuzzReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {target.Name} | {report.Executions:N0} | {report.Elapsed.TotalSeconds:0} | {100.0 * report.Accepted / Math.Max(1, report.Executions):0.0} % | {report.Edges} | {report.Queue.Count} | {report.Findings.Count} | {report.Costliest.Allocated} of {report.Costliest.Limit} for {report.Costliest.Size} | {report.Slowest.TotalMilliseconds:0.0} |");
}
