using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Overlay.Interop.Tests.Harness;

/// <summary>A real program under test: its output by lines, its errors kept for the failure message, its end certain.</summary>
/// <remarks>This object owns the process and the two reading loops; disposing kills the one and awaits the others.</remarks>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int MaxKeptErrorLines = 400;

    private readonly Process _process;
    private readonly Channel<string> _output = Channel.CreateUnbounded<string>();
    private readonly Queue<string> _errors = new();
    private readonly Task _reading;

    private ChildProcess(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadOutputAsync(), ReadErrorsAsync());
    }

    internal int Id => _process.Id;

    internal string Name => Path.GetFileName(_process.StartInfo.FileName);

    internal bool HasExited => _process.HasExited;

    /// <summary>What the program said on stderr so far, its last lines.</summary>
    internal string Errors
    {
        get
        {
            lock (_errors) return string.Join('\n', _errors);
        }
    }

    internal static ChildProcess Start(string fileName, IEnumerable<string> arguments, string? workingDirectory = null)
    {
        var start = new ProcessStartInfo(fileName, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = workingDirectory ?? Path.GetTempPath(),
        };
        return new ChildProcess(Process.Start(start) ?? throw new InvalidOperationException($"{fileName} did not start."));
    }

    /// <summary>The next line on stdout; null at its end. Fails when none comes within <paramref name="patience"/>.</summary>
    internal async Task<string?> ReadLineAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(patience);
        try
        {
            return await _output.Reader.WaitToReadAsync(deadline.Token) && _output.Reader.TryRead(out string? line) ? line : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{Name} said nothing for {patience.TotalSeconds} s. Its stderr:\n{Errors}");
        }
    }

    /// <summary>Every line that has come and was not read yet.</summary>
    internal IReadOnlyList<string> TakeLines()
    {
        List<string> lines = [];
        while (_output.Reader.TryRead(out string? line)) lines.Add(line);
        return lines;
    }

    internal async Task WriteLineAsync(string line, CancellationToken cancellationToken)
    {
        await _process.StandardInput.WriteLineAsync(line.AsMemory(), cancellationToken);
        await _process.StandardInput.FlushAsync(cancellationToken);
    }

    /// <summary>Asks the program to end, as <c>kill</c> or an init system does.</summary>
    internal void Terminate()
    {
        if (!_process.HasExited) _ = SendSignal(_process.Id, SigTerm);
    }

    /// <summary>Ends the program and its children at once, as <c>kill -9</c> does, and waits until they are gone.</summary>
    internal async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        await _reading;
    }

    /// <summary>The exit code. Fails when the program has not ended within <paramref name="patience"/>.</summary>
    internal async Task<int> WaitForExitAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(patience);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
            await _reading.WaitAsync(deadline.Token);
            return _process.ExitCode;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{Name} still ran after {patience.TotalSeconds} s. Its stderr:\n{Errors}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private async Task ReadOutputAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line) _output.Writer.TryWrite(line);
        _output.Writer.Complete();
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_errors)
            {
                if (_errors.Count == MaxKeptErrorLines) _errors.Dequeue();
                _errors.Enqueue(line);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);
}
