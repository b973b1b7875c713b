using System.IO.Pipelines;

namespace Overlay.Transport;

/// <summary>The output of a stream whose protocol was proposed: data goes at once, the half-close only behind the peer's answer.</summary>
/// <remarks>
/// js-libp2p loses what it has buffered when a stream's FIN arrives while it still negotiates, and resets the stream. Nothing waits for the FIN of a
/// stream that its peer has not begun to serve, so holding it back costs nobody anything.
/// </remarks>
internal sealed class NegotiationWriter(PipeWriter inner, OutboundNegotiation negotiation) : PipeWriter
{
    private bool _isCompleted;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override void Advance(int bytes) => inner.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ThrowIfCompleted();
        return inner.GetMemory(sizeHint);
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        ThrowIfCompleted();
        return inner.GetSpan(sizeHint);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        ThrowIfCompleted();
        return inner.WriteAsync(source, cancellationToken);
    }

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted) return;
        _isCompleted = true;
        if (exception is not null || negotiation.IsAgreed) inner.Complete(exception);
        else CompleteLater();
    }

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        if (_isCompleted) return;
        if (exception is null && !negotiation.IsAgreed && inner is { CanGetUnflushedBytes: true, UnflushedBytes: > 0 }) await inner.FlushAsync().ConfigureAwait(false);
        Complete(exception);
    }

    /// <summary>The answer ends on its own, at the latest with its deadline; a failed one has reset the stream and with it this direction.</summary>
    private void CompleteLater() =>
        _ = negotiation.AwaitAnswerAsync().ContinueWith(
            static (answer, state) => ((PipeWriter)state!).Complete(answer.Exception?.InnerException),
            inner, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private void ThrowIfCompleted()
    {
        if (_isCompleted) throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
    }
}
