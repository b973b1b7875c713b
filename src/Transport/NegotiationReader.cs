using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Overlay.Transport;

/// <summary>The input of a stream whose protocol was proposed and perhaps not yet answered: a first read waits for the answer, later ones pass straight through.</summary>
/// <remarks>One reader, as with every pipe.</remarks>
internal sealed class NegotiationReader(PipeReader inner, OutboundNegotiation negotiation) : PipeReader
{
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

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> NegotiateAndReadAsync(CancellationToken cancellationToken)
    {
        if (!await negotiation.ReceiveAnswerAsync(cancellationToken).ConfigureAwait(false))
            return new ReadResult(ReadOnlySequence<byte>.Empty, isCanceled: true, isCompleted: false);
        return await inner.ReadAsync(cancellationToken).ConfigureAwait(false);
    }
}
