using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Market.Choosing;
using Overlay.Transport.Identity;

namespace Overlay.Market.Buying;

/// <summary>Exits of the market: what is known first, else what a search finds, one search for all who want the same. Safe on several threads.</summary>
internal sealed class MarketExits(ProviderSearch search, MarketOptions options, TimeProvider time, ILogger logger, Func<PeerId, double?>? wordOf = null)
    : IExitDirectory, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly ProviderBook _book = new(options, wordOf);
    private readonly Dictionary<SearchKey, RunningSearch> _searches = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _tasks = new();

    public Exit? FindKnown(ExitWish wish, IReadOnlySet<PeerId> tried)
    {
        lock (_lock)
        {
            IReadOnlyList<ExitCandidate> ranked = _book.Find(wish, tried, time.GetUtcNow());
            return ranked.Count == 0 ? null : _book.ExitOf(ranked[0].Provider);
        }
    }

    public async ValueTask<Exit?> FindAsync(ExitWish wish, IReadOnlySet<PeerId> tried, CancellationToken cancellationToken)
    {
        if (FindKnown(wish, tried) is { } known) return known;
        (RunningSearch running, bool isOwn) = Search(wish);
        DateTimeOffset giveUp = time.GetUtcNow() + options.SearchTime;
        while (true)
        {
            Task news = running.News;
            if (FindKnown(wish, tried) is not null) break;
            TimeSpan left = giveUp - time.GetUtcNow();
            if (left <= TimeSpan.Zero || (isOwn && running.Task.IsCompleted)) return FindKnown(wish, tried);
            // Joined in its last moments: it looked for others before this one asked.
            if (running.Task.IsCompleted) (running, isOwn) = Search(wish);
            await WaitAsync(Task.WhenAny(news, running.Task), left, cancellationToken).ConfigureAwait(false);
        }

        // One fits. Others may be better, and are on their way.
        await WaitAsync(running.Task, options.SettleTime, cancellationToken).ConfigureAwait(false);
        return FindKnown(wish, tried);
    }

    /// <summary>Asks those that the DHT knows, and nobody else, and gives all that is offered and fits, best first.</summary>
    internal async Task<IReadOnlyList<ExitCandidate>> SurveyAsync(ExitWish wish, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(options.SearchTime, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _stopping.Token, cancellationToken);
        await search.RunAsync(wish, tells: false, new Findings(this, () => { }), over.Token).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock) return _book.Find(wish, new HashSet<PeerId>(), time.GetUtcNow());
    }

    /// <summary>The providers of whom this node has had an offer, and where they are.</summary>
    internal IReadOnlyList<Exit> Known()
    {
        lock (_lock) return _book.Known();
    }

    public bool IsGood(PeerId provider, ExitWish wish)
    {
        lock (_lock) return _book.IsGood(provider, wish, time.GetUtcNow());
    }

    public void Use(PeerId provider, int change)
    {
        lock (_lock) _book.Use(provider, change);
    }

    public void Opened(PeerId provider, ulong pricePerGiB)
    {
        lock (_lock) _book.Opened(provider, pricePerGiB, time.GetUtcNow());
    }

    public void Served(PeerId provider, ulong bytes, BitRate rate)
    {
        lock (_lock) _book.Served(provider, bytes, rate, time.GetUtcNow());
    }

    public void Failed(PeerId provider, string reason, bool brokeItsWord)
    {
        lock (_lock) _book.Failed(provider, brokeItsWord, time.GetUtcNow());
        if (brokeItsWord) MarketLog.WordBroken(logger, provider, reason);
        else MarketLog.ProviderUnfit(logger, provider, reason);
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock) _stopping.Cancel();
        await _tasks.DrainAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private DateTimeOffset Now => time.GetUtcNow();

    /// <summary>The search for what a wish asks, joined or begun.</summary>
    private (RunningSearch Search, bool IsOwn) Search(ExitWish wish)
    {
        var key = new SearchKey(wish.Region, wish.MaxPricePerGiB, wish.MinRate, wish.Provider);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
            if (_searches.TryGetValue(key, out RunningSearch? running) && !running.Task.IsCompleted) return (running, false);
            _searches[key] = running = Begin(key, wish);
            return (running, true);
        }
    }

    private RunningSearch Begin(SearchKey key, ExitWish wish)
    {
        var begun = new RunningSearch();
        begun.Task = Task.Run(async () =>
        {
            using var deadline = new CancellationTokenSource(options.SearchTime, time);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _stopping.Token);
            try
            {
                await search.RunAsync(wish, tells: true, new Findings(this, begun.Tell), over.Token).ConfigureAwait(false);
            }
            finally
            {
                lock (_lock)
                {
                    if (_searches.GetValueOrDefault(key) == begun) _searches.Remove(key);
                }
            }
        });
        _tasks.Run(() => begun.Task);
        return begun;
    }

    private async ValueTask WaitAsync(Task task, TimeSpan longest, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(longest, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What is known by now must do.
        }
    }

    /// <summary>What a search can ask for; whoever wants the same shares it.</summary>
    private readonly record struct SearchKey(Region Region, decimal? MaxPrice, BitRate? MinRate, PeerId? Provider);

    private sealed class Findings(MarketExits exits, Action tell) : ISearchFindings
    {
        public bool ShouldAsk(PeerId provider)
        {
            lock (exits._lock) return exits._book.ShouldAsk(provider, exits.Now);
        }

        public void Found(ToldOffer told)
        {
            lock (exits._lock) exits._book.Put(told.Provider, told.Addresses, told.Offer, told.Latency, exits.Now, told.Attested);
            tell();
        }

        public void Withdrawn(PeerId provider)
        {
            lock (exits._lock) exits._book.Withdraw(provider);
        }
    }

    private sealed class RunningSearch
    {
        private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task Task { get; set; } = Task.CompletedTask;

        /// <summary>Ends with the next offer.</summary>
        internal Task News => Volatile.Read(ref _news).Task;

        internal void Tell() =>
            Interlocked.Exchange(ref _news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }
}
