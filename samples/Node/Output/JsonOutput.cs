using System.Buffers;
using System.Text.Json;

namespace Overlay.Node.Output;

/// <summary>One JSON object a line, flushed at once, so that a program that reads a pipe is never left waiting.</summary>
internal sealed class JsonOutput(Stream stream) : IOutput
{
    private readonly Lock _lock = new(); // one line at a time

    public void Write(IMessage message) => WriteLine(message);

    public void WriteTable(IReadOnlyList<Column> columns, IReadOnlyList<IRow> rows)
    {
        foreach (IRow row in rows) WriteLine(row);
    }

    public Task<T> WithProgressAsync<T>(string label, ulong total, Func<IProgress<long>, Task<T>> work) => work(NoProgress.Instance);

    public Task ShowStatusAsync(IReadOnlyList<Column> columns, Func<IReadOnlyList<string>> look, CancellationToken stop) => Task.CompletedTask;

    private void WriteLine(IEvent said)
    {
        var line = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("event"u8, said.Event);
            said.WriteJson(json);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        lock (_lock)
        {
            stream.Write(line.WrittenSpan);
            stream.Flush();
        }
    }
}

/// <summary>Progress that nobody watches.</summary>
internal sealed class NoProgress : IProgress<long>
{
    internal static NoProgress Instance { get; } = new();

    public void Report(long value)
    {
    }
}
