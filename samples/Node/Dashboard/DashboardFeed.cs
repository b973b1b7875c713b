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
    private readonly HashSet<Channel<byte[]>> _pages = [];
    private readonly DashboardState _state = new();
    private CancellationTokenSource? _running;
    private Task _loop = Task.CompletedTask;
    private bool _isNews;
    private bool _disposed;

    /// <summary>Pages that are being told.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _pages.Count;
        }
    }

    /// <summary>A place for one more page, or null when there is none. Each element is a whole JSON object in UTF-8; a page that lags misses some.</summary>
    internal Page? TryOpen()
    {
        var page = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(2) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true, SingleWriter = true });
        lock (_lock)
        {
            if (_disposed || _pages.Count >= DashboardOptions.MaxStreams) return null;
            _pages.Add(page);
            _isNews = true;
            if (_running is not null) return new Page(this, page);
            _running = new CancellationTokenSource();
            Task before = _loop;
            CancellationToken stop = _running.Token;
            _loop = Task.Run(() => RunAsync(before, stop), CancellationToken.None);
            return new Page(this, page);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task loop;
        lock (_lock)
        {
            _disposed = true;
            foreach (Channel<byte[]> page in _pages) page.Writer.TryComplete();
            _running?.Cancel();
            loop = _loop;
        }

        await loop;
    }

    private void Close(Channel<byte[]> page)
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
        try
        {
            DashboardLook look = await node.LookAsync(stop);
            bool isWhole;
            lock (_lock) (isWhole, _isNews) = (_isNews, false);
            told = JsonSerializer.SerializeToUtf8Bytes(_state.Update(look, time.GetUtcNow(), isWhole), DashboardJson.Default.DashboardModel);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A ledger that cannot be read, say: the page shows that it hears nothing, the log says why.
            DashboardLog.LookFailed(logger, e);
            return;
        }

        lock (_lock)
            foreach (Channel<byte[]> page in _pages) page.Writer.TryWrite(told);
    }

    /// <summary>One page's place; dispose it.</summary>
    internal sealed class Page(DashboardFeed feed, Channel<byte[]> channel) : IDisposable
    {
        internal ChannelReader<byte[]> Reader => channel.Reader;

        public void Dispose() => feed.Close(channel);
    }
}
