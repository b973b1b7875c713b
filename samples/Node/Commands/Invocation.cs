using System.CommandLine;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Overlay.Node.Configuration;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary>One run of a command: what was asked, where to answer, when to stop.</summary>
internal sealed class Invocation : IAsyncDisposable
{
    private readonly ParseResult _parsed;
    private readonly Surroundings _surroundings;
    private readonly Lazy<ILoggerFactory> _logging;

    internal Invocation(ParseResult parsed, GlobalOptions globals, Surroundings surroundings, CancellationToken stop)
    {
        _parsed = parsed;
        _surroundings = surroundings;
        Stop = stop;
        IsJson = parsed.GetValue(globals.Json);
        Output = IsJson
            ? new JsonOutput(surroundings.Output)
            : new TextOutput(surroundings.Output, surroundings.OutputIsTerminal, surroundings.WantsColour);
        IsVerbose = parsed.GetValue(globals.Verbose);
        LogLevel level = IsVerbose ? LogLevel.Debug : LogLevel.Warning;
        _logging = new Lazy<ILoggerFactory>(() => CreateLogging(level, surroundings.WantsColour));
    }

    /// <summary>Cancelled when the command shall end.</summary>
    internal CancellationToken Stop { get; }

    internal IOutput Output { get; }

    internal bool IsVerbose { get; }

    /// <summary>Whether a program reads the answer.</summary>
    internal bool IsJson { get; }

    /// <summary>Where this program is; null where the system does not say.</summary>
    internal string? ProgramPath => _surroundings.ProgramPath;

    /// <summary>Standard output, for a command whose output is a file.</summary>
    internal Stream RawOutput => _surroundings.Output;

    /// <summary>Prints a text that is to become a file, as it is; one object for programs.</summary>
    internal async Task WriteFileTextAsync(string text)
    {
        if (IsJson) Output.Write(new FileText(text));
        else await RawOutput.WriteAsync(Encoding.UTF8.GetBytes(text), Stop);
    }

    /// <summary>Logs go to standard error.</summary>
    internal ILoggerFactory Logging => _logging.Value;

    internal string Get(Argument<string> argument) => _parsed.GetRequiredValue(argument);

    /// <summary>Whether a switch was given.</summary>
    internal bool Has(Option<bool> option) => _parsed.GetValue(option);

    internal string? Find(Option<string> option) => _parsed.GetValue(option);

    internal int? Find(Option<int?> option) => _parsed.GetValue(option);

    internal IReadOnlyList<string> GetAll(Option<string[]> option) => _parsed.GetValue(option) ?? [];

    /// <exception cref="UsageException">A setting is not allowed.</exception>
    internal SettingValues Read(SettingOptions options)
    {
        foreach ((string variable, string nearest) in SettingValues.FindStrangers(_surroundings.Variables))
            Warn($"the variable {variable} is no setting; the nearest is {nearest}");
        return options.Read(_parsed, _surroundings.Variables);
    }

    /// <summary>What a person types; null where nobody is there to ask.</summary>
    internal TextReader? Terminal => _surroundings.Terminal;

    /// <summary>Standard error, for questions.</summary>
    internal TextWriter Error => _surroundings.Error;

    /// <summary>Tells a person what deserves a second thought.</summary>
    internal void Warn(string text) => _surroundings.Error.WriteLine($"overlay: warning: {PlainText.OneLine(text)}");

    /// <summary>Writes out the logs that are still queued.</summary>
    public ValueTask DisposeAsync()
    {
        if (_logging.IsValueCreated) _logging.Value.Dispose();
        return ValueTask.CompletedTask;
    }

    private static ILoggerFactory CreateLogging(LogLevel level, bool wantsColour) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(level);
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.UseUtcTimestamp = true;
            console.ColorBehavior = wantsColour && !Console.IsErrorRedirected ? LoggerColorBehavior.Default : LoggerColorBehavior.Disabled;
        });
        // Standard output belongs to the command's answer.
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    private sealed class FileText(string text) : IMessage
    {
        public string Event => "text";

        public void WriteJson(Utf8JsonWriter json) => json.WriteString("text"u8, text);

        public void WriteText(TextPage page) => page.Line(text);
    }
}
