namespace Overlay.Transport.Connections;

/// <summary>A step's time limit beside the caller's own cancellation, told apart when either fires.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource? _linked;

    internal Deadline(TimeSpan limit, TimeProvider time, CancellationToken caller)
    {
        _caller = caller;
        _limit = limit;
        _timer = new CancellationTokenSource(limit, time);
        if (caller.CanBeCanceled) _linked = CancellationTokenSource.CreateLinkedTokenSource(caller, _timer.Token);
    }

    /// <summary>Fires at the deadline or when the caller gives up.</summary>
    internal CancellationToken Token => (_linked ?? _timer).Token;

    /// <summary>True when it was the deadline and not the caller.</summary>
    internal bool HasPassed => _timer.IsCancellationRequested && !_caller.IsCancellationRequested;

    /// <summary>Runs a step; a passed deadline becomes a <see cref="ConnectionException"/> that names it.</summary>
    internal async ValueTask<T> RunAsync<T>(Func<CancellationToken, ValueTask<T>> step, ConnectionStep name, string what)
    {
        try
        {
            return await step(Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (HasPassed)
        {
            throw Expired(name, what, e);
        }
    }

    internal ConnectionException Expired(ConnectionStep step, string what, Exception? inner = null) =>
        new(ConnectionError.Timeout, step, Fault.Peer, $"{char.ToUpperInvariant(what[0])}{what[1..]} took longer than {_limit.TotalSeconds:0.###} s.", inner);

    public void Dispose()
    {
        _linked?.Dispose();
        _timer.Dispose();
    }
}
