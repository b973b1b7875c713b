using System.Text;
using Overlay.Node.Output;
using Spectre.Console;

namespace Overlay.Node.Tests;

public sealed class StatusAreaTests : IDisposable
{
    private readonly Screen _screen = new();
    private readonly IAnsiConsole _console;
    private readonly StatusArea _status;

    public StatusAreaTests()
    {
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(_screen),
        });
        _console.Profile.Width = 30;
        _status = new StatusArea(_console, [new Column("peers", true), new Column("served", true)]);
    }

    public void Dispose() => _screen.Dispose();

    [Fact]
    public void Show_Again_IsInTheSamePlace()
    {
        _console.WriteLine("ready");
        _status.Show(["1", "1000.00 MiB"]);
        _status.Show(["12", "5 B"]);
        Assert.Equal(["ready", "", "  peers   served", "     12      5 B"], _screen.Lines);
    }

    [Fact]
    public void Messages_MoveInAbove_AndNothingOfTheFiguresIsLeftInThem()
    {
        _status.Show(["1", "5 B"]);
        foreach (string message in new[] { "a", "another" })
        {
            _status.Erase();
            _console.WriteLine(message);
            _status.Draw();
        }

        Assert.Equal(["a", "another", "", "  peers   served", "      1      5 B"], _screen.Lines);
    }

    [Fact]
    public void Logs_OfAnotherWriter_Stay()
    {
        _status.Show(["1", "5 B"]);
        _screen.Write("a log\n");
        _status.Show(["2", "6 B"]);
        Assert.Equal(["a log", "", "  peers   served", "      2      6 B"], _screen.Lines);
    }

    [Fact]
    public void Lines_WiderThanTheTerminal_AreCut()
    {
        _status.Show(["1", "0123456789012345678901234567890123456789"]);
        Assert.Equal(29, _screen.Lines[^1].Length);
        Assert.Equal(3, _screen.Lines.Count);
    }

    [Fact]
    public void End_LeavesNothing()
    {
        _console.WriteLine("ready");
        _status.Show(["1", "5 B"]);
        _status.End();
        _status.Draw();
        Assert.Equal(["ready"], _screen.Lines);
    }

    /// <summary>A terminal of endless height: what would be seen on it.</summary>
    private sealed class Screen : StringWriter
    {
        private readonly List<StringBuilder> _lines = [new()];
        private string _escape = "";
        private int _row, _column;

        public IReadOnlyList<string> Lines => [.. _lines.Select(line => line.ToString().TrimEnd()).Reverse().SkipWhile(line => line.Length == 0).Reverse()];

        public override void Write(char value)
        {
            if (_escape.Length > 0 || value == '\e') Escape(value);
            else if (value == '\r') _column = 0;
            else if (value == '\n') (_row, _column) = (_row + 1, 0);
            else Put(value);
        }

        public override void Write(string? value)
        {
            foreach (char each in value ?? "") Write(each);
        }

        private void Put(char value)
        {
            StringBuilder line = Line(_row);
            while (line.Length <= _column) line.Append(' ');
            line[_column++] = value;
        }

        private void Escape(char value)
        {
            _escape += value;
            if (!char.IsLetter(value)) return;
            if (value == 'A') _row -= int.Parse(_escape.AsSpan(2..^1), System.Globalization.CultureInfo.InvariantCulture);
            if (value == 'J')
            {
                StringBuilder line = Line(_row);
                line.Length = Math.Min(line.Length, _column);
                _lines.RemoveRange(_row + 1, _lines.Count - _row - 1);
            }

            _escape = "";
        }

        private StringBuilder Line(int row)
        {
            while (_lines.Count <= row) _lines.Add(new StringBuilder());
            return _lines[row];
        }
    }
}
