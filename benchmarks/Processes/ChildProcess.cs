using System.Diagnostics;

namespace Overlay.Benchmarks.Processes;

/// <summary>This program once more, as a process of its own that is spoken to in lines on its standard input and output.</summary>
/// <remarks>The child ends when its standard input does, so that none is left over when this process is killed. One reader and one writer at a time.</remarks>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(20);

    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    /// <summary>Starts this program with <paramref name="arguments"/>; what it writes to standard error appears on this process's.</summary>
    internal static ChildProcess Start(params IEnumerable<string> arguments)
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("This process does not know its own program.");
        // Under `dotnet exec` the program is the host, and its first argument the assembly.
        string[] prefix = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        var start = new ProcessStartInfo(program, [.. prefix, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        return new ChildProcess(Process.Start(start) ?? throw new InvalidOperationException("The second process did not start."));
    }

    internal Task WriteLineAsync(string line) => _process.StandardInput.WriteLineAsync(line);

    /// <summary>The next line, or null when the child has ended its output.</summary>
    internal Task<string?> ReadLineAsync() => _process.StandardOutput.ReadLineAsync();

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended by itself, in the middle of a line.
        }

        using var grace = new CancellationTokenSource(s_grace);
        try
        {
            await _process.WaitForExitAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }
}
