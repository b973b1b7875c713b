namespace Overlay.Using;

/// <summary>A token that ends with another one, or when its time is over; the time can begin anew.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _both;

    public Deadline(TimeSpan timeout, TimeProvider time, params ReadOnlySpan<CancellationToken> others)
    {
        _timeout = timeout;
        _timer = new CancellationTokenSource(timeout, time);
        _both = CancellationTokenSource.CreateLinkedTokenSource([.. others, _timer.Token]);
    }

    public CancellationToken Token => _both.Token;

    /// <summary>Whether it was the time that ended the token, or would have.</summary>
    public bool IsOver => _timer.IsCancellationRequested;

    public void Restart() => Restart(_timeout);

    public void Restart(TimeSpan timeout) => _timer.CancelAfter(timeout);

    public void Dispose()
    {
        _both.Dispose();
        _timer.Dispose();
    }
}
