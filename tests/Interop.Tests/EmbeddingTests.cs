using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>The samples that need nobody else run as they stand.</summary>
public sealed class EmbeddingTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Echo_ByItself_SaysWhatWasSent()
    {
        await using ChildProcess sample = Start("echo");

        int code = await sample.WaitForExitAsync(s_patience, Cancellation);

        Assert.True(code == 0, sample.Errors);
        Assert.Equal(["hello"], sample.TakeLines());
    }

    [Fact]
    public async Task Discovery_ByItself_TellsOfTheExitAndThenOfThePeers()
    {
        await using ChildProcess sample = Start("discovery");
        var exits = new HashSet<string>();
        string line;
        while ((line = await ReadAsync(sample)).StartsWith("exit ", StringComparison.Ordinal))
        {
            Assert.Contains(" at /ip4/127.0.0.1/tcp/", line, StringComparison.Ordinal);
            exits.Add(line.Split(' ')[1]);
        }

        string exit = Assert.Single(exits);
        while (!line.StartsWith($"Connected {exit}, known from ", StringComparison.Ordinal)) line = await ReadAsync(sample);
    }

    private static ChildProcess Start(string command) => ChildProcess.Start(OverlayCli.BuiltProgram("Embedding", "Overlay.Embedding"), [command]);

    private static async Task<string> ReadAsync(ChildProcess sample)
    {
        string? line = await sample.ReadLineAsync(s_patience, Cancellation);
        Assert.True(line is not null, sample.Errors);
        return line;
    }
}
