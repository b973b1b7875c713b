using Spectre.Console;

namespace Overlay.Node.Output;

/// <summary>Figures that stay on a terminal below everything else that it is told.</summary>
/// <remarks>
/// Between two drawings the cursor stands where they begin, on an empty line: what others say meanwhile, a log for instance, begins there and stays, and the
/// next drawing begins below it. Nothing is wider than the terminal, so that no line is folded. Not safe on several threads.
/// </remarks>
internal sealed class StatusArea(IAnsiConsole console, IReadOnlyList<Column> columns)
{
    private const string Gap = "   ";

    private IReadOnlyList<string>? _cells;

    /// <summary>Draws figures, in place of those before.</summary>
    internal void Show(IReadOnlyList<string> cells)
    {
        Erase();
        _cells = cells;
        Draw();
    }

    /// <summary>Leaves the place to something else that is to be said.</summary>
    internal void Erase() => console.Write(new ControlCode("\r\e[J"));

    /// <summary>Draws the same below it.</summary>
    internal void Draw()
    {
        if (_cells is null) return;
        int[] widths = [.. columns.Select((column, i) => Math.Max(column.Title.Length, _cells[i].Length))];
        string heads = Line(columns.Select(column => column.Title), widths), figures = Line(_cells, widths);
        console.Write(new ControlCode($"\n{heads}\n{figures}\e[2A\r"));
    }

    /// <summary>Nothing is shown any more.</summary>
    internal void End()
    {
        Erase();
        _cells = null;
    }

    private string Line(IEnumerable<string> cells, int[] widths)
    {
        string line = "  " + string.Join(Gap, cells.Select((cell, i) => columns[i].IsNumber ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])));
        // The last place of a line would move the cursor on in some terminals.
        int most = Math.Max(1, console.Profile.Width - 1);
        return line.Length <= most ? line : line[..most];
    }
}
