using System.Text;
using System.Text.Json;

namespace Overlay.Node.Tests;

/// <summary>The whole program in this process, with streams and variables of the test's own.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    internal IReadOnlyList<string> OutputLines { get; } = Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    internal IReadOnlyList<string> ErrorLines { get; } = Error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    internal IReadOnlyList<JsonElement> Json => [.. OutputLines.Select(line => JsonElement.Parse(line))];

    internal static Task<CliRun> OfAsync(params string[] arguments) => OfAsync(new Dictionary<string, string>(), arguments);

    internal static Task<CliRun> OfAsync(IReadOnlyDictionary<string, string> variables, params string[] arguments) => OfAsync(variables, null, arguments);

    /// <summary>With a person at a terminal, who types this.</summary>
    internal static Task<CliRun> TypingAsync(string typed, params string[] arguments) => OfAsync(new Dictionary<string, string>(), new StringReader(typed),
        arguments);

    /// <summary>Of a program that lies elsewhere.</summary>
    internal static Task<CliRun> AtAsync(string program, params string[] arguments) => OfAsync(new Dictionary<string, string>(), null, arguments, program);

    private static async Task<CliRun> OfAsync(
        IReadOnlyDictionary<string, string> variables, TextReader? terminal, string[] arguments, string program = "/opt/overlay/overlay")
    {
        using var output = new MemoryStream();
        using var error = new StringWriter();
        var surroundings = new Surroundings { Output = output, Error = error, Variables = variables, Terminal = terminal, ProgramPath = program };
        int code = await OverlayCli.RunAsync(arguments, surroundings, TestContext.Current.CancellationToken);
        return new CliRun(code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }
}

/// <summary>A folder that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("overlay-node-tests-").FullName;

    internal string File(string name) => System.IO.Path.Combine(Path, name);

    internal string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
