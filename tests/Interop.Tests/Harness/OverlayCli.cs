using System.Reflection;
using System.Text.Json;
using Overlay.TestKit;

namespace Overlay.Interop.Tests.Harness;

/// <summary>Runs commands of the CLI node that end by themselves, always with <c>--json</c>.</summary>
internal static class OverlayCli
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    /// <summary>The program that the build left, or the one that <c>INTEROP_CLI</c> names (the ahead-of-time one, for instance).</summary>
    internal static string Program { get; } = Environment.GetEnvironmentVariable("INTEROP_CLI") ?? BuiltProgram("Node", "overlay");

    /// <summary>Runs a command to its end.</summary>
    internal static async Task<CliResult> RunAsync(params string[] arguments)
    {
        await using var process = ChildProcess.Start(Program, [.. arguments, "--json"]);
        int code = await process.WaitForExitAsync(s_patience, TestContext.Current.CancellationToken);
        return new CliResult(code, process.TakeLines(), process.Errors);
    }

    /// <summary>Runs a command that has to succeed.</summary>
    internal static async Task<IReadOnlyList<JsonElement>> SucceedAsync(params string[] arguments)
    {
        CliResult result = await RunAsync(arguments);
        Assert.True(result.ExitCode == 0, $"overlay {string.Join(' ', arguments)} ended with {result.ExitCode}:\n{result.Errors}");
        return result.Json;
    }

    /// <summary>A program that the build left in the folder of a sample.</summary>
    internal static string BuiltProgram(string sample, string name)
    {
        string configuration = typeof(OverlayCli).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Configuration").Value!;
        return Path.Combine(Repository.Root, "samples", sample, "bin", configuration, "net10.0", OperatingSystem.IsWindows() ? name + ".exe" : name);
    }
}

/// <summary>What a command printed and how it ended.</summary>
internal sealed record CliResult(int ExitCode, IReadOnlyList<string> Lines, string Errors)
{
    /// <summary>Every line of stdout, each of which must be one JSON object.</summary>
    internal IReadOnlyList<JsonElement> Json { get; } = [.. Lines.Select(line => JsonElement.Parse(line))];
}
