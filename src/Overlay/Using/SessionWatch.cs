using Overlay.Market.Buying;
using Overlay.Sessions;
using Overlay.Transport.Identity;

namespace Overlay.Using;

/// <summary>Looks once a second at what the live sessions carry, and tells the directory: how fast a provider serves, and how its session ended.</summary>
internal sealed class SessionWatch : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly IExitDirectory _exits;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly List<Watched> _sessions = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task? _running;

    internal SessionWatch(IExitDirectory exits, TimeProvider time)
    {
        _exits = exits;
        _time = time;
    }

    /// <summary>Whether a session that ended so shows that its provider does other than it said: miscounts, forges, or leaves its own offer.</summary>
    internal static bool BreaksItsWord(SessionError reason) => reason is SessionError.BadSignature or SessionError.WrongSession or SessionError.OutOfOrder
        or SessionError.WrongAmount or SessionError.WrongCommitment or SessionError.Forked;

    internal void Add(PeerId provider, ConsumerSession session)
    {
        lock (_lock)
        {
            _sessions.Add(new Watched(provider, session) { At = _time.GetTimestamp() });
            // Nothing ticks in a node that buys nothing.
            if (!_stopping.IsCancellationRequested) _running ??= Task.Run(RunAsync);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task? running;
        lock (_lock)
        {
            _stopping.Cancel();
            running = _running;
        }

        if (running is not null) await running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(s_interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false)) Look();
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private void Look()
    {
        Watched[] sessions;
        lock (_lock)
        {
            sessions = [.. _sessions];
            _sessions.RemoveAll(watched => watched.Session.Completion.IsCompleted);
        }

        foreach (Watched watched in sessions)
        {
            ulong count = (ulong)watched.Session.Count().Total;
            long now = _time.GetTimestamp();
            double seconds = _time.GetElapsedTime(watched.At, now).TotalSeconds;
            if (count > watched.Count && seconds > 0)
                _exits.Served(watched.Provider, count - watched.Count, new BitRate((ulong)((count - watched.Count) * 8 / seconds)));
            watched.Count = count;
            watched.At = now;
            if (watched.Session is { Completion.IsCompleted: true, Error: { } error }) _exits.Failed(watched.Provider, error.Message, BreaksItsWord(error.Reason));
        }
    }

    private sealed class Watched(PeerId provider, ConsumerSession session)
    {
        internal PeerId Provider => provider;

        internal ConsumerSession Session => session;

        internal ulong Count { get; set; }

        internal long At { get; set; }
    }
}
