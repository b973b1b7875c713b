using System.Text.Json;

namespace Overlay.Node.Tests;

public sealed class LimitsCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Set_NoNodeRuns_IsKeptForTheNextOneAndShown()
    {
        CliRun set = await CliRun.OfAsync(
            "limits", "set", "--data", _folder.Path, "--max-upload", "20.5", "--monthly-quota", "500GiB", "--reset-day", "15", "--hibernate",
                "--schedule", "mon-fri 22:00-07:00", "sat", "--no-yield",
            "--when-on-battery", "yield", "--json");
        Assert.Equal(0, set.ExitCode);
        Assert.Equal("next-start", Assert.Single(set.Json).GetProperty("takenBy").GetString());

        JsonElement shown = Assert.Single((await CliRun.OfAsync("limits", "--data", _folder.Path, "--json")).Json);

        Assert.Equal("limits", shown.GetProperty("event").GetString());
        Assert.Equal(20_500_000, shown.GetProperty("maxUpload").GetInt64());
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("maxDownload").ValueKind);
        Assert.Equal(500L << 30, shown.GetProperty("monthlyQuota").GetInt64());
        Assert.Equal(15, shown.GetProperty("resetDay").GetInt32());
        Assert.True(shown.GetProperty("hibernate").GetBoolean());
        Assert.False(shown.GetProperty("yield").GetBoolean());
        Assert.Equal("yield", shown.GetProperty("whenOnBattery").GetString());
        Assert.Equal(["mon,tue,wed,thu,fri 22:00-07:00", "sat 00:00-00:00"], shown.GetProperty("schedule").EnumerateArray().Select(window =>
            window.GetString()));
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("state").ValueKind);
        Assert.False(shown.TryGetProperty("takenBy", out _));
    }

    [Fact]
    public async Task Set_SomeLimits_LeavesTheOthersAndNoneTakesOneAway()
    {
        await CliRun.OfAsync("limits", "set", "--data", _folder.Path, "--max-upload", "20", "--max-download", "50", "--schedule", "sun");
        await CliRun.OfAsync("limits", "set", "--data", _folder.Path, "--max-upload", "none", "--schedule", "none");

        JsonElement shown = Assert.Single((await CliRun.OfAsync("limits", "--data", _folder.Path, "--json")).Json);

        Assert.Equal(JsonValueKind.Null, shown.GetProperty("maxUpload").ValueKind);
        Assert.Equal(50_000_000, shown.GetProperty("maxDownload").GetInt64());
        Assert.Empty(shown.GetProperty("schedule").EnumerateArray());
    }

    [Fact]
    public async Task PauseAndResume_AreKept()
    {
        Assert.True(Assert.Single((await CliRun.OfAsync("limits", "pause", "--data", _folder.Path, "--json")).Json).GetProperty("paused").GetBoolean());
        Assert.False(Assert.Single((await CliRun.OfAsync("limits", "resume", "--data", _folder.Path, "--json")).Json).GetProperty("paused").GetBoolean());
        CliRun text = await CliRun.OfAsync("limits", "--data", _folder.Path);
        Assert.Equal(0, text.ExitCode);
        Assert.Contains("No node shares", text.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--max-upload", "0.064 to 100000", "--max-upload", "0")]
    [InlineData("--max-download", "or none", "--max-download", "fast")]
    [InlineData("--daily-quota", "1MiB to 1024TiB", "--daily-quota", "5")]
    [InlineData("--reset-day", "1 to 28", "--reset-day", "31")]
    [InlineData("--schedule", "mon-fri 22:00-07:00", "--schedule", "at night")]
    [InlineData("--when-metered", "serve, yield or pause", "--when-metered", "no")]
    [InlineData("--yield", "contradict", "--yield", "--no-yield")]
    [InlineData("nothing to set", "--max-upload")]
    public async Task Set_WrongValue_EndsWithTwoAndNamesWhatIsAllowed(string named, string allowed, params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(["limits", "set", "--data", _folder.Path, .. arguments]);

        Assert.Equal(2, run.ExitCode);
        string line = Assert.Single(run.ErrorLines);
        Assert.Contains(named, line, StringComparison.Ordinal);
        Assert.Contains(allowed, line, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("limits.json")));
    }

    [Theory]
    [InlineData]
    [InlineData("pause")]
    [InlineData("set", "--max-upload", "20")]
    public async Task AnyCommand_FileIsDamaged_NamesTheNearestNameAndChangesNothing(params string[] arguments)
    {
        _folder.Write("limits.json", """{"montlyQuota":"500GiB"}""");

        CliRun run = await CliRun.OfAsync(["limits", .. arguments, "--data", _folder.Path]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("'monthlyQuota'", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Contains("montlyQuota", await File.ReadAllTextAsync(_folder.File("limits.json"), TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
    }
}
