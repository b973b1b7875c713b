using System.Text.Json;

namespace Overlay.Node.Tests;

public sealed class ConsentCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_ShareWithoutConsentAndWithoutATerminal_SaysInOneLineWhatToRun()
    {
        CliRun run = await CliRun.OfAsync("run", "--share", "--data", _folder.Path);

        Assert.Equal(1, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Contains("overlay consent give --i-have-read-it 1", Assert.Single(run.ErrorLines, line => !line.Contains("warning", StringComparison.Ordinal)),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("yes\n", 0)]
    [InlineData("y\n", 1)]
    [InlineData("YES\n", 1)]
    [InlineData("\n", 1)]
    [InlineData("", 1)]
    public async Task Give_OnATerminal_ShowsTheTextAndTakesOnlyYes(string typed, int code)
    {
        CliRun run = await CliRun.TypingAsync(typed, "consent", "give", "--data", _folder.Path, "--region", "DE", "--json");

        Assert.Equal(code, run.ExitCode);
        Assert.Contains("SHARING YOUR INTERNET CONNECTION", run.Error, StringComparison.Ordinal);
        Assert.Equal(code == 0, File.Exists(_folder.File("consent")));
        if (code == 0) Assert.True(Assert.Single(run.Json).GetProperty("inForce").GetBoolean());
    }

    [Fact]
    public async Task Give_ByAScript_NeedsTheVersionThatItHasRead()
    {
        CliRun other = await CliRun.OfAsync("consent", "give", "--data", _folder.Path, "--i-have-read-it", "999");
        Assert.Equal(1, other.ExitCode);
        Assert.False(File.Exists(_folder.File("consent")));

        int version = Assert.Single((await CliRun.OfAsync("consent", "text", "--json")).Json).GetProperty("version").GetInt32();
        CliRun run = await CliRun.OfAsync("consent", "give", "--data", _folder.Path, "--i-have-read-it", $"{version}", "--allow-port", "8000-8100", "25",
            "--json");

        Assert.Equal(0, run.ExitCode);
        JsonElement consent = Assert.Single(run.Json);
        Assert.Equal(["25", "80", "443", "8000-8100"], consent.GetProperty("ports").EnumerateArray().Select(port => port.GetString()));
        Assert.Contains("consent give --i-have-read-it", consent.GetProperty("givenBy").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShowAndWithdraw_TellWhatIsInForce()
    {
        Assert.Equal(1, (await CliRun.OfAsync("consent", "show", "--data", _folder.Path)).ExitCode);
        Assert.Equal(1, (await CliRun.OfAsync("consent", "withdraw", "--data", _folder.Path)).ExitCode);
        await CliRun.OfAsync("consent", "give", "--data", _folder.Path, "--i-have-read-it", "1");
        Assert.True(Assert.Single((await CliRun.OfAsync("consent", "show", "--data", _folder.Path, "--json")).Json).GetProperty("inForce").GetBoolean());

        CliRun withdrawn = await CliRun.OfAsync("consent", "withdraw", "--data", _folder.Path, "--json");

        Assert.Equal(JsonValueKind.String, Assert.Single(withdrawn.Json).GetProperty("withdrawnAt").ValueKind);
        Assert.False(Assert.Single((await CliRun.OfAsync("consent", "show", "--data", _folder.Path, "--json")).Json).GetProperty("inForce").GetBoolean());
        CliRun shown = await CliRun.OfAsync("consent", "show", "--data", _folder.Path);
        Assert.Contains("withdrawn", shown.Output, StringComparison.Ordinal);
    }
}
