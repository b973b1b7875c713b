namespace Overlay.Benchmarks.Soak;

/// <summary>Cancels what has made no progress for a while.</summary>
internal sealed class StallDeadline : IDisposable
{
    private readonly TimeSpan _patience;
    private readonly CancellationTokenSource _source;

    internal StallDeadline(TimeSpan patience)
    {
        _patience = patience;
        _source = new CancellationTokenSource(patience);
    }

    internal CancellationToken Token => _source.Token;

    /// <summary>There was progress.</summary>
    internal void Restart() => _source.CancelAfter(_patience);

    public void Dispose() => _source.Dispose();
}
