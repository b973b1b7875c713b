using System.Diagnostics;
using System.Globalization;
using Overlay.Benchmarks.Processes;

namespace Overlay.Benchmarks.Transport;

/// <summary>The other end of what is measured, in a process of its own, so that each end has its own heap, collector and thread pool, as two nodes have.</summary>
/// <remarks>In this process instead where somebody wants to look at both ends with one profiler.</remarks>
internal sealed class FarEnd : IAsyncDisposable
{
    internal const string Command = "far-end";

    private readonly ChildProcess? _process;
    private readonly FarEndWords? _here;

    private FarEnd(bool isOwnProcess)
    {
        if (isOwnProcess) _process = ChildProcess.Start(Command);
        else _here = new FarEndWords();
    }

    internal static FarEnd Start(bool isOwnProcess = true) => new(isOwnProcess);

    /// <summary>The far end's whole life in its own process.</summary>
    internal static async Task<int> RunAsync()
    {
        await using var words = new FarEndWords();
        while (await Console.In.ReadLineAsync() is { } line) Console.WriteLine(await words.AnswerAsync(line));
        return 0;
    }

    /// <summary>Makes the far end listen with a carrier, once for each; returns the address.</summary>
    internal Task<string> ListenAsync(string carrier) => AskAsync($"listen {carrier}");

    /// <summary>Makes the far end forward a port of its own to <paramref name="port"/> over a long link; returns its port. Meant for an end that does nothing else.</summary>
    internal async Task<int> ForwardAsync(int port, TimeSpan delay, double bytesPerSecond) => int.Parse(
        await AskAsync(string.Create(CultureInfo.InvariantCulture, $"forward {port} {delay.TotalMilliseconds} {bytesPerSecond}")), CultureInfo.InvariantCulture);

    /// <summary>Makes the far end dial so many connections, one after another, and hold them.</summary>
    internal Task DialAsync(string carrier, int count, string address) => AskAsync(string.Create(CultureInfo.InvariantCulture, $"dial {carrier} {count} {address}"));

    /// <summary>Makes the far end open so many streams on each of its connections, and send a message there and back on each.</summary>
    internal Task OpenStreamsAsync(int count) => AskAsync(string.Create(CultureInfo.InvariantCulture, $"open {count}"));

    /// <summary>Makes the far end send one message there and back on one stream of each of its connections.</summary>
    internal Task ExchangeAsync(int index) => AskAsync(string.Create(CultureInfo.InvariantCulture, $"exchange {index}"));

    /// <summary>What the far end's process holds now, after a full collection.</summary>
    internal async Task<(ProcessSample Sample, long TimerCount)> SampleAsync()
    {
        string[] parts = (await AskAsync("sample")).Split(' ', 2);
        return (ProcessSample.Parse(parts[1]), long.Parse(parts[0], CultureInfo.InvariantCulture));
    }

    /// <summary>CPU seconds and allocated bytes of the far end's process so far; nothing where it is this one.</summary>
    internal async Task<(double CpuSeconds, long Allocated)> SpentAsync()
    {
        if (_process is null) return default;
        string[] parts = (await AskAsync("spent")).Split(' ');
        return (double.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    /// <summary>Does some work and says what it took of both processes.</summary>
    internal async Task<Spending> MeasureAsync(Func<Task> work)
    {
        GC.Collect();
        (double farCpu, long farAllocated) = await SpentAsync();
        (double nearCpu, long nearAllocated) = FarEndWords.Spent();
        long started = Stopwatch.GetTimestamp();
        await work();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        (double nearCpuNow, long nearAllocatedNow) = FarEndWords.Spent();
        (double farCpuNow, long farAllocatedNow) = await SpentAsync();
        return new Spending(seconds, nearCpuNow - nearCpu, farCpuNow - farCpu, nearAllocatedNow - nearAllocated, farAllocatedNow - farAllocated);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        if (_here is not null) await _here.DisposeAsync();
    }

    private async Task<string> AskAsync(string line)
    {
        string answer;
        if (_process is null)
        {
            answer = await _here!.AnswerAsync(line);
        }
        else
        {
            await _process.WriteLineAsync(line);
            answer = await _process.ReadLineAsync() ?? throw new IOException($"The far end ended without an answer to '{line}'.");
        }

        return answer.StartsWith("ok ", StringComparison.Ordinal) ? answer[3..] : throw new IOException($"The far end answered '{line}' with '{answer}'.");
    }
}
