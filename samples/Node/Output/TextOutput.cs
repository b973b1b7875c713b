using System.Text;
using Spectre.Console;

namespace Overlay.Node.Output;

/// <summary>Text for people. Colours and moving parts on a terminal only, plain lines in a file or pipe.</summary>
internal sealed class TextOutput : IOutput
{
    // Wide enough that no line of a file or pipe is ever folded.
    private const int UnfoldedWidth = 4096;

    private readonly Lock _lock = new(); // one message at a time
    private readonly IAnsiConsole _console;
    private readonly TextPage _page;
    private readonly bool _isTerminal;

    internal TextOutput(Stream stream, bool isTerminal, bool wantsColour)
    {
        _isTerminal = isTerminal;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal && wantsColour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { AutoFlush = true }),
        });
        if (!isTerminal) _console.Profile.Width = UnfoldedWidth;
        _page = new TextPage(_console, isTerminal);
    }

    public void Write(IMessage message)
    {
        lock (_lock) message.WriteText(_page);
    }

    public void WriteTable(IReadOnlyList<Column> columns, IReadOnlyList<IRow> rows)
    {
        lock (_lock) _page.Table(columns, rows.Select(row => row.Cells));
    }

    public Task<T> WithProgressAsync<T>(string label, ulong total, Func<IProgress<long>, Task<T>> work)
    {
        if (!_isTerminal || total == 0) return work(NoProgress.Instance);
        return _console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn { Base = FileSizeBase.Binary }, new RemainingTimeColumn())
            .StartAsync(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(PlainText.OneLine(label)), maxValue: total);
                return work(new Pieces(task));
            });
    }

    public Task ShowStatusAsync(IReadOnlyList<Column> columns, Func<IReadOnlyList<string>> look, CancellationToken stop) =>
        _isTerminal && _console.Profile.Capabilities.Interactive
            ? _console.Live(StatusTable(columns, null)).AutoClear(true).StartAsync(context => RefreshAsync(context, columns, look, stop))
            : Task.CompletedTask;

    private async Task RefreshAsync(LiveDisplayContext context, IReadOnlyList<Column> columns, Func<IReadOnlyList<string>> look, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            do
            {
                Table table = StatusTable(columns, look());
                // What is said meanwhile moves in above it, and not into the middle.
                lock (_lock) context.UpdateTarget(table);
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private static Table StatusTable(IReadOnlyList<Column> columns, IReadOnlyList<string>? cells)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (Column column in columns) table.AddColumn(new TableColumn(new Text(column.Title)) { Alignment = column.IsNumber ? Justify.Right : Justify.Left });
        if (cells is not null) table.AddRow(cells.Select(cell => new Text(PlainText.OneLine(cell))));
        return table;
    }

    private sealed class Pieces(ProgressTask task) : IProgress<long>
    {
        public void Report(long value) => task.Increment(value);
    }
}
