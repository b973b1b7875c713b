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
    private StatusArea? _status;

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

    private bool ShowsStatus => _isTerminal && _console.Profile.Capabilities is { Interactive: true, Ansi: true };

    public void Write(IMessage message) => Say(() => message.WriteText(_page));

    public void WriteTable(IReadOnlyList<Column> columns, IReadOnlyList<IRow> rows) => Say(() => _page.Table(columns, rows.Select(row => row.Cells)));

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

    public async Task ShowStatusAsync(IReadOnlyList<Column> columns, Func<IReadOnlyList<string>> look, CancellationToken stop)
    {
        if (!ShowsStatus) return;
        var status = new StatusArea(_console, columns);
        lock (_lock) _status = status;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            do
            {
                IReadOnlyList<string> cells = [.. look().Select(PlainText.OneLine)];
                lock (_lock) status.Show(cells);
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        finally
        {
            lock (_lock)
            {
                status.End();
                _status = null;
            }
        }
    }

    private void Say(Action write)
    {
        lock (_lock)
        {
            _status?.Erase();
            write();
            _status?.Draw();
        }
    }

    private sealed class Pieces(ProgressTask task) : IProgress<long>
    {
        public void Report(long value) => task.Increment(value);
    }
}
