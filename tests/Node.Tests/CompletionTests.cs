namespace Overlay.Node.Tests;

public sealed class CompletionTests
{
    [Theory]
    [InlineData("overlay led", "ledger")]
    [InlineData("/usr/local/bin/overlay led", "ledger")]
    [InlineData("overlay ledger se", "set-aside")]
    [InlineData("overlay run --sock", "--socks")]
    [InlineData("overlay ping --js", "--json")]
    public async Task Suggest_BegunWord_IsCompleted(string line, string completed)
    {
        CliRun run = await CliRun.OfAsync("suggest", "--", line);

        Assert.Equal([completed], run.OutputLines);
    }

    [Fact]
    public async Task Suggest_NewWord_NamesWhatMayFollowAndNoHiddenCommand()
    {
        CliRun run = await CliRun.OfAsync("suggest", "--", "overlay ");

        Assert.Contains("run", run.OutputLines);
        Assert.Contains("doctor", run.OutputLines);
        Assert.DoesNotContain("suggest", run.OutputLines);
        Assert.DoesNotContain(run.OutputLines, word => word.StartsWith('-'));
    }

    [Theory]
    [InlineData("bash", "complete -F _overlay overlay")]
    [InlineData("zsh", "#compdef overlay")]
    [InlineData("fish", "complete -c overlay")]
    public async Task Completion_OfAShell_AsksTheProgramItself(string shell, string says)
    {
        CliRun run = await CliRun.OfAsync("completion", shell);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(says, run.Output, StringComparison.Ordinal);
        Assert.Contains("overlay suggest -- ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_UnknownShell_NamesTheNearest()
    {
        CliRun run = await CliRun.OfAsync("completion", "zhs");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("the nearest is 'zsh'", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }
}
