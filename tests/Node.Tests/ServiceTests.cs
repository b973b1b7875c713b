using Overlay.Node.Commands;

namespace Overlay.Node.Tests;

public sealed class ServiceTests
{
    [Fact]
    public async Task Install_WritesAUnitThatStartsThisProgramWithTheFile()
    {
        using var folder = new TemporaryFolder();
        string config = folder.Write("node.json", """{ "share": true }""");

        CliRun run = await CliRun.OfAsync("service", "install", "--json", "--config", config, "--unit-folder", folder.Path);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(folder.File("overlay.service"), Assert.Single(run.Json).GetProperty("unit").GetString());
        string unit = await File.ReadAllTextAsync(folder.File("overlay.service"), TestContext.Current.CancellationToken);
        Assert.Contains($"run --data /var/lib/overlay --config \"{config}\"\n", unit, StringComparison.Ordinal);
        Assert.All(["DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "SystemCallFilter=@system-service"], line => Assert.Contains(line, unit, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Install_NoConfiguration_WritesNothingAndSaysHowToWriteOne()
    {
        using var folder = new TemporaryFolder();

        CliRun run = await CliRun.OfAsync("service", "install", "--config", folder.File("node.json"), "--unit-folder", folder.Path);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("node.json", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("overlay.service")));
    }

    [Fact]
    public async Task Install_OfANodeThatShares_NamesTheConsentThatItNeeds()
    {
        using var folder = new TemporaryFolder();

        CliRun run = await CliRun.OfAsync("service", "install", "--config", folder.Write("node.json", """{ "share": true }"""), "--unit-folder", folder.Path);
        CliRun other = await CliRun.OfAsync("service", "install", "--config", folder.Write("other.json", """{ "share": false }"""), "--unit-folder", folder.Path);

        Assert.Contains(run.OutputLines, line => line.Contains("overlay consent give --data /var/lib/overlay", StringComparison.Ordinal));
        Assert.DoesNotContain(other.OutputLines, line => line.Contains("consent", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("root/.dotnet/tools/overlay", "etc/overlay/node.json", "This program")]
    [InlineData("home/somebody/overlay", "etc/overlay/node.json", "This program")]
    [InlineData("opt/overlay/overlay", "home/somebody/node.json", "The configuration file")]
    public async Task Install_WhatTheServiceCouldNotSee_IsRefused(string program, string config, string what)
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("these are paths of Unix");

        CliRun run = await CliRun.AtAsync($"/{program}", "service", "install", "--print", "--config", $"/{config}");

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"overlay: {what} is", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Install_NoSystemd_SaysSo()
    {
        using var folder = new TemporaryFolder();
        string config = folder.Write("node.json", "{}");

        CliRun run = await CliRun.OfAsync("service", "install", "--config", config, "--unit-folder", folder.File("nowhere"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("--print", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void Unit_PathsWithSignsThatSystemdReads_AreWrittenSoThatItDoesNot() =>
        Assert.Contains("ExecStart=\"/opt/50%% \\\"a\\\" $$b/overlay\" run", SystemdUnit.Write("/opt/50% \"a\" $b/overlay", "/etc/x.json"), StringComparison.Ordinal);
}
