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
    /// <remarks>What it says of this node, in a refusal or when it ends the session, is its word and no proof of anything.</remarks>
    internal static bool BreaksItsWord(SessionException error) => !error.IsTold && error.Reason is SessionError.BadSignature or SessionError.WrongSession or SessionError.OutOfOrder
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
            foreach (Watched watched in sessions) watched.IsOver = watched.Session.Completion.IsCompleted;
            _sessions.RemoveAll(watched => watched.IsOver);
        }

        foreach (Watched watched in sessions)
        {
            ulong count = (ulong)watched.Session.Count().Total;
            long now = _time.GetTimestamp();
            double seconds = _time.GetElapsedTime(watched.At, now).TotalSeconds;
            if (seconds < 0.5 && !watched.IsOver) continue;
            if (count > watched.Count && seconds >= 0.5)
                _exits.Served(watched.Provider, count - watched.Count, new BitRate((ulong)((count - watched.Count) * 8 / seconds)));
            watched.Count = count;
            watched.At = now;
            if (!watched.IsOver || watched.Session.Error is not { } error) continue;
            bool isBroken = BreaksItsWord(error);
            // Lost and already opened anew: no reason to go elsewhere.
            if (isBroken || !sessions.Any(other => !other.IsOver && other.Provider == watched.Provider)) _exits.Failed(watched.Provider, error.Message, isBroken);
        }
    }

    private sealed class Watched(PeerId provider, ConsumerSession session)
    {
        internal PeerId Provider => provider;

        internal ConsumerSession Session => session;

        internal bool IsOver { get; set; }

        internal ulong Count { get; set; }

        internal long At { get; set; }
    }
}
