namespace Overlay.Discovery.Kademlia;

/// <summary>Requests under way, each with what gives it up. Safe on several threads.</summary>
/// <param name="stopping">Gives them all up.</param>
internal sealed class RunningRequests(CancellationToken stopping)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, (Task Task, CancellationTokenSource Cancellation)> _running = [];

    /// <summary>Those under way now. None of the tasks fails.</summary>
    internal Task[] Tasks
    {
        get
        {
            lock (_lock) return [.. _running.Values.Select(request => request.Task)];
        }
    }

    /// <summary>Begins a request on the pool.</summary>
    /// <param name="id">Its name, of no other.</param>
    /// <param name="request">The request; throws nothing.</param>
    internal void Start(long id, Func<CancellationToken, Task> request)
    {
        var cancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        // The request takes itself out under the same lock, so not before it is in.
        lock (_lock) _running.Add(id, (Task.Run(() => RunAsync(id, request, cancellation), CancellationToken.None), cancellation));
    }

    /// <summary>Gives a request up, if it is still under way.</summary>
    internal void Cancel(long id)
    {
        // Under the lock: a request that has ended meanwhile disposes of the source, which must not be touched then. What hangs on the token runs on the pool.
        lock (_lock)
            if (_running.TryGetValue(id, out (Task Task, CancellationTokenSource Cancellation) request)) _ = request.Cancellation.CancelAsync();
    }

    private async Task RunAsync(long id, Func<CancellationToken, Task> request, CancellationTokenSource cancellation)
    {
        try
        {
            await request(cancellation.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock) _running.Remove(id);
            cancellation.Dispose();
        }
    }
}
