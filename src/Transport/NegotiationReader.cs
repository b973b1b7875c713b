using System.Buffers;
using System.IO.Pipelines;

namespace Overlay.Transport;

/// <summary>The input of a stream whose protocol was proposed and perhaps not yet answered: a first read waits for the answer, later ones pass straight through.</summary>
/// <remarks>One reader, as with every pipe.</remarks>
internal sealed class NegotiationReader(PipeReader inner, OutboundNegotiation negotiation) : PipeReader
{
    private TaskCompletionSource? _canceled;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        negotiation.IsAgreed ? inner.ReadAsync(cancellationToken) : NegotiateAndReadAsync(cancellationToken);

    public override bool TryRead(out ReadResult result)
    {
        result = default;
        Task answer = negotiation.AwaitAnswerAsync();
        if (!answer.IsCompleted) return false;
        answer.GetAwaiter().GetResult();
        return inner.TryRead(out result);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        // The empty result of a cancelled wait has nothing to give back.
        if (negotiation.IsAgreed) inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead()
    {
        if (negotiation.IsAgreed) inner.CancelPendingRead();
        else Volatile.Read(ref _canceled)?.TrySetResult();
    }

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private async ValueTask<ReadResult> NegotiateAndReadAsync(CancellationToken cancellationToken)
    {
        var canceled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _canceled, canceled);
        Task answer = negotiation.AwaitAnswerAsync();
        await Task.WhenAny(answer, canceled.Task).WaitAsync(cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _canceled, null);
        if (!answer.IsCompleted) return new ReadResult(ReadOnlySequence<byte>.Empty, isCanceled: true, isCompleted: false);
        await answer.ConfigureAwait(false);
        return await inner.ReadAsync(cancellationToken).ConfigureAwait(false);
    }
}
