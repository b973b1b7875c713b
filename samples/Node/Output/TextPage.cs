using Spectre.Console;

namespace Overlay.Node.Output;

/// <summary>What a message may put before a person. Takes plain text only: nothing that a peer said becomes markup or an escape sequence.</summary>
internal sealed class TextPage(IAnsiConsole console, bool isTerminal)
{
    private const int NameWidth = 12;

    // A line and a blank on either side of a cell.
    private const int FrameWidth = 3;

    /// <summary>A line.</summary>
    internal void Line(string text = "") => Write(text, Style.Plain);

    /// <summary>A line that begins something.</summary>
    internal void Heading(string text) => Write(text, new Style(decoration: Decoration.Bold));

    /// <summary>A line that says that something is as it should be.</summary>
    internal void Good(string text) => Write(text, new Style(Color.Green));

    /// <summary>A line that says that something is not.</summary>
    internal void Bad(string text) => Write(text, new Style(Color.Red));

    /// <summary>A name and its value.</summary>
    internal void Field(string name, string value) => Line($"  {name,-NameWidth} {value}");

    /// <summary>Rows under headings. A table too wide for the terminal loses its frame, and the terminal folds its lines: cells stay whole.</summary>
    internal void Table(IReadOnlyList<Column> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        string[][] cells = [.. rows.Select(row => row.Select(PlainText.OneLine).ToArray())];
        int width = 1 + columns.Select((column, i) => FrameWidth + cells.Select(row => row[i].Length).Append(column.Title.Length).Max()).Sum();
        bool isFramed = isTerminal && width <= console.Profile.Width;
        var table = new Table { Border = isFramed ? TableBorder.Rounded : TableBorder.None };
        foreach (Column column in columns)
            table.AddColumn(new TableColumn(new Text(column.Title)) { Alignment = column.IsNumber ? Justify.Right : Justify.Left, NoWrap = true });
        foreach (string[] row in cells) table.AddRow(row.Select(cell => new Text(cell)));

        int before = console.Profile.Width;
        console.Profile.Width = Math.Max(before, width);
        console.Write(table);
        console.Profile.Width = before;
    }

    private void Write(string text, Style style)
    {
        console.Write(new Text(PlainText.OneLine(text), style) { Overflow = Overflow.Fold });
        console.WriteLine();
    }
}
