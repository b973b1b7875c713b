using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Overlay.Node.Dashboard;

/// <summary>The node's state once a second, worked out once for all who look; nothing at all while nobody does.</summary>
/// <remarks>The one loop owns <see cref="DashboardState"/>; it starts with the first page and ends with the last.</remarks>
internal sealed class DashboardFeed(IDashboardNode node, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new(); // guards what follows
    private readonly HashSet<Page> _pages = [];
    private readonly DashboardState _state = new();
    private CancellationTokenSource? _running;
    private Task _loop = Task.CompletedTask;
    private bool _disposed;

    /// <summary>Pages that are being told.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _pages.Count;
        }
    }

    /// <summary>A place for one more page, or null when there is none. Dispose it.</summary>
    internal Page? TryOpen()
    {
        var page = new Page(this);
        lock (_lock)
        {
            if (_disposed || _pages.Count >= DashboardOptions.MaxStreams) return null;
            _pages.Add(page);
            if (_running is not null) return page;
            _running = new CancellationTokenSource();
            Task before = _loop;
            CancellationToken stop = _running.Token;
            _loop = Task.Run(() => RunAsync(before, stop), CancellationToken.None);
            return page;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task loop;
        lock (_lock)
        {
            _disposed = true;
            foreach (Page page in _pages) page.End();
            _running?.Cancel();
            loop = _loop;
        }

        await loop;
    }

    private void Close(Page page)
    {
        lock (_lock)
        {
            if (!_pages.Remove(page) || _pages.Count > 0) return;
            _running?.Cancel();
            _running?.Dispose();
            _running = null;
        }
    }

    private async Task RunAsync(Task before, CancellationToken stop)
    {
        // Its predecessor may still be at its last look, and the state has one owner at a time.
        await before;
        try
        {
            using var timer = new PeriodicTimer(Interval, time);
            do await TellAsync(stop);
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException)
        {
            // Nobody looks any more.
        }
    }

    private async Task TellAsync(CancellationToken stop)
    {
        byte[] told;
        bool isWhole;
        lock (_lock) isWhole = _pages.Any(page => page.IsNew);
        try
        {
            DashboardLook look = await node.LookAsync(stop);
            told = JsonSerializer.SerializeToUtf8Bytes(_state.Update(look, time.GetUtcNow(), isWhole), DashboardJson.Default.DashboardModel);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A ledger that cannot be read, say: the page shows that it hears nothing, the log says why.
            DashboardLog.LookFailed(logger, e);
            return;
        }

        lock (_lock)
            // A page that came meanwhile waits for the next: part of the history would keep it from taking the whole.
            foreach (Page page in _pages)
                if (isWhole || !page.IsNew) page.Tell(told, isWhole);
    }

    /// <summary>One page's place; dispose it.</summary>
    internal sealed class Page(DashboardFeed feed) : IDisposable
    {
        // A page that lags misses what is older than two seconds.
        private readonly Channel<(byte[] Told, bool IsWhole)> _news = Channel.CreateBounded<(byte[] Told, bool IsWhole)>(
            new BoundedChannelOptions(2) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true, SingleWriter = true });

        /// <summary>Whether it has not read yet what was before it was opened.</summary>
        internal bool IsNew { get; private set; } = true;

        /// <summary>The next of the node's states, a JSON object in UTF-8; null when there will be none.</summary>
        internal async ValueTask<byte[]?> ReadAsync(CancellationToken cancellationToken)
        {
            if (!await _news.Reader.WaitToReadAsync(cancellationToken) || !_news.Reader.TryRead(out (byte[] Told, bool IsWhole) news)) return null;
            if (news.IsWhole) IsNew = false;
            return news.Told;
        }

        public void Dispose() => feed.Close(this);

        internal void Tell(byte[] told, bool isWhole) => _news.Writer.TryWrite((told, isWhole));

        internal void End() => _news.Writer.TryComplete();
    }
}
