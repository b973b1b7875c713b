using System.Text.Json;

namespace Overlay.Node.Output;

/// <summary>Where commands say what they have to say: JSON lines for programs, text for people. Safe on several threads.</summary>
internal interface IOutput
{
    /// <summary>Says one thing.</summary>
    void Write(IMessage message);

    /// <summary>Says many things of one kind: a table for people, an object a line for programs.</summary>
    void WriteTable(IReadOnlyList<Column> columns, IReadOnlyList<IRow> rows);

    /// <summary>Runs <paramref name="work"/>, which reports pieces in bytes, and shows a person how far it is.</summary>
    /// <param name="label">What goes on, in a few words.</param>
    /// <param name="total">How many bytes it will be.</param>
    /// <param name="work">What to run; called once.</param>
    Task<T> WithProgressAsync<T>(string label, ulong total, Func<IProgress<long>, Task<T>> work);

    /// <summary>Shows a person at a terminal one row of figures, anew each second, below everything else that is said; nothing to anybody else.</summary>
    /// <param name="columns">What the figures are.</param>
    /// <param name="look">Gives them; not called where nobody sees them.</param>
    /// <param name="stop">Ends it.</param>
    Task ShowStatusAsync(IReadOnlyList<Column> columns, Func<IReadOnlyList<string>> look, CancellationToken stop);
}

/// <summary>One thing said, as a JSON object with an <c>event</c> name.</summary>
internal interface IEvent
{
    /// <summary>The name by which programs know it.</summary>
    string Event { get; }

    /// <summary>Writes the members after <c>event</c>.</summary>
    void WriteJson(Utf8JsonWriter json);
}

/// <summary>One thing said, in both forms.</summary>
internal interface IMessage : IEvent
{
    /// <summary>Writes the lines for people.</summary>
    void WriteText(TextPage page);
}

/// <summary>One row of a table.</summary>
internal interface IRow : IEvent
{
    /// <summary>As many as there are columns.</summary>
    IReadOnlyList<string> Cells { get; }
}

/// <summary>A column's heading, and whether it holds numbers, which stand to the right.</summary>
internal readonly record struct Column(string Title, bool IsNumber = false);
