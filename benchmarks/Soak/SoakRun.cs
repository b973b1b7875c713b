using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Overlay.Benchmarks.Processes;

namespace Overlay.Benchmarks.Soak;

/// <summary>Hours of mixed traffic between processes, from a seed: memory has to stay level, and both ends of every stream have to count the same bytes.</summary>
/// <remarks>
/// Each process dials the next and the last the first, so each is both ends. Traffic: bulk streams, many small requests and replies, streams opened and
/// ended, half-closed, reset by either end or answered by the other, pings, perf, idle connections, connections closed and cut under load. What is
/// received is compared byte for byte. Counts travel over the processes' pipes and not over what is tested.
/// </remarks>
internal sealed class SoakRun : IAsyncDisposable
{
    private static readonly TimeSpan s_drain = TimeSpan.FromMinutes(15);

    private readonly SoakSettings _settings;
    private readonly StreamCounts _counts = new();
    private readonly List<Peer> _peers = [];
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly CancellationTokenSource _interrupted = new();

    private SoakRun(SoakSettings settings) => _settings = settings;

    internal static async Task<int> RunAsync(SoakSettings settings)
    {
        await using var run = new SoakRun(settings);
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            run._interrupted.Cancel();
        };
        return await run.RunAsync() ? 0 : 1;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Peer peer in _peers) await peer.DisposeAsync();
        _interrupted.Dispose();
    }

    private TimeSpan Now => Stopwatch.GetElapsedTime(_started);

    private async Task<bool> RunAsync()
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"soak: {_settings.Minutes} min, {_settings.Peers} processes, {_settings.CpuPercent} % of a core, seed {_settings.Seed}, content {new SoakContent(_settings.Seed).Fingerprint}"));
        for (int i = 0; i < _settings.Peers; i++) _peers.Add(new Peer(ChildProcess.Start(_settings.PeerArguments(i)), line => Take(line)));
        string[] addresses = await Task.WhenAll(_peers.Select(peer => peer.AnswerAsync(s_drain)));
        for (int i = 0; i < _peers.Count; i++) await _peers[i].Process.WriteLineAsync("dial " + addresses[(i + 1) % _peers.Count]);

        bool isComplete = await SampleUntilOverAsync();
        if (isComplete && await AskAllAsync("drain"))
        {
            await AskAllAsync("close");
            foreach (Peer peer in _peers) await peer.Reading;
        }

        _counts.Judge(Now, isEnd: true);
        return Verdict(isComplete);
    }

    /// <summary>Samples all processes until the time is over; false when one of them is gone.</summary>
    private async Task<bool> SampleUntilOverAsync()
    {
        TimeSpan end = TimeSpan.FromMinutes(_settings.Minutes), nextLine = TimeSpan.FromMinutes(1);
        while (Now < end && !_interrupted.IsCancellationRequested)
        {
            TimeSpan pause = TimeSpan.FromSeconds(_settings.SampleSeconds);
            if (end - Now < pause) pause = end - Now;
            await Task.Delay(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, _interrupted.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!await AskAllAsync("sample")) return false;
            foreach (Peer peer in _peers) peer.TakeSample();
            _counts.Judge(Now, isEnd: false);
            if (Now < nextLine && Now < end) continue;
            nextLine += TimeSpan.FromMinutes(1);
            WriteProgress();
        }

        return true;
    }

    /// <summary>Sends a word to every process and waits for all answers.</summary>
    private async Task<bool> AskAllAsync(string word)
    {
        try
        {
            foreach (Peer peer in _peers) await peer.Process.WriteLineAsync(word);
            string[] answers = await Task.WhenAll(_peers.Select(peer => peer.AnswerAsync(s_drain)));
            for (int i = 0; i < answers.Length; i++) _peers[i].LastAnswer = answers[i];
            return true;
        }
        catch (Exception e) when (e is IOException or TimeoutException or ChannelClosedException)
        {
            _counts.Fault($"a process did not answer '{word}': {e.Message}");
            return false;
        }
    }

    /// <summary>Takes what a process says by itself; false for an answer to a word of ours.</summary>
    private bool Take(string line)
    {
        switch (line.Split(' ', 6))
        {
            case ["stream", var id, var connection, var end, var sent, var received]:
                _counts.Take(Now, ulong.Parse(id, CultureInfo.InvariantCulture), Number(connection), end == "near", Long(sent), Long(received));
                return true;
            case ["cut", var connection]:
                _counts.Cut(Number(connection));
                return true;
            case ["fault", var connection, ..]:
                _counts.Fault(Now, Number(connection), line);
                return true;
            case ["closing", var connection]:
                _counts.Closing(Number(connection));
                return true;
            case ["refused", var connection, _]:
                _counts.Refused(Now, Number(connection), line);
                return true;
            default:
                return false;
        }

        static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);
        static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);
    }

    private void WriteProgress()
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Now.TotalMinutes,5:F1} min  {_counts.EqualCount} streams equal, {_counts.EqualBytes / 1048576} MiB, {_counts.CutCount} on {_counts.CutConnections} cut connections, "
            + $"{_peers.Sum(p => p.Connections)} connections made  CPU {_peers.Sum(p => p.Samples[^1].CpuSeconds) / Now.TotalSeconds * 100:F0} %  "
            + $"RSS {List(s => s.ResidentBytes / 1048576)} MiB  live {List(s => s.LiveBytes / 1024)} KiB  descriptors {List(s => s.HandleCount)}  "
            + $"threads {List(s => s.ThreadCount)}  faults {_counts.Faults.Count}"));
    }

    private string List(Func<ProcessSample, long> value) =>
        string.Join('/', _peers.Select(peer => value(peer.Samples[^1]).ToString(CultureInfo.InvariantCulture)));

    private bool Verdict(bool isComplete)
    {
        IReadOnlyList<string> faults = _counts.Faults;
        bool isFlat = Flatness.Judge([.. _peers.Select(peer => peer.Samples)]);
        bool areEqual = faults.Count == 0 && _counts.EqualCount > 0;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{_counts.EqualCount} streams with equal counts and right content, {_counts.EqualBytes} payload bytes; {_counts.CutCount} streams cut with their connections; "
            + $"{faults.Count} faults; memory {(isFlat ? "level" : "NOT level")}"));
        bool passed = isComplete && isFlat && areEqual && !_interrupted.IsCancellationRequested;
        Console.WriteLine(passed ? "PASSED" : "FAILED");
        return passed;
    }

    /// <summary>One process and what it has said. Its reading loop runs until its output ends.</summary>
    private sealed class Peer : IAsyncDisposable
    {
        private readonly Channel<string> _answers = Channel.CreateBounded<string>(16);

        internal Peer(ChildProcess process, Func<string, bool> take)
        {
            Process = process;
            Reading = Task.Run(() => ReadAsync(take));
        }

        internal ChildProcess Process { get; }

        internal Task Reading { get; }

        internal List<ProcessSample> Samples { get; } = [];

        internal int Connections { get; private set; }

        internal string LastAnswer { get; set; } = "";

        /// <summary>The next answer, without its first word.</summary>
        internal async Task<string> AnswerAsync(TimeSpan patience)
        {
            string line = await _answers.Reader.ReadAsync().AsTask().WaitAsync(patience);
            return line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        }

        internal void TakeSample()
        {
            string[] parts = LastAnswer.Split(' ', 4);
            Connections = int.Parse(parts[2], CultureInfo.InvariantCulture);
            Samples.Add(ProcessSample.Parse(parts[3]));
        }

        private async Task ReadAsync(Func<string, bool> take)
        {
            while (await Process.ReadLineAsync() is { } line)
                if (!take(line)) await _answers.Writer.WriteAsync(line);
            _answers.Writer.Complete();
        }

        public async ValueTask DisposeAsync()
        {
            await Process.DisposeAsync();
            await Reading;
        }
    }
}
