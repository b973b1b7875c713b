using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Overlay.Sessions.Metering;

/// <summary>A stream's input: tells of arrived bytes and, on the provider's side, lets only as many through as there is credit to forward.</summary>
/// <remarks>One reader at a time.</remarks>
internal sealed class MeteredPipeReader(PipeReader inner, CreditGate? gate, Action arrived) : PipeReader
{
    private ReadOnlySequence<byte> _shown;

    // Bytes at the head of the stream for which credit is taken and which the reader has not consumed yet.
    private long _granted;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ReadResult read = await inner.ReadAsync(cancellationToken).ConfigureAwait(false);
        arrived();
        long fresh = read.Buffer.Length - _granted;
        if (gate is null || fresh <= 0) return Show(read);
        try
        {
            int most = (int)Math.Min(fresh, gate.ChunkSize);
            int taken = gate.TakeUpTo(most);
            if (taken == 0 && _granted == 0)
            {
                await gate.TakeAsync(1, cancellationToken).ConfigureAwait(false);
                taken = 1 + gate.TakeUpTo(most - 1);
            }

            _granted += taken;
        }
        catch
        {
            inner.AdvanceTo(read.Buffer.Start);
            throw;
        }

        return Show(read);
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result)) return false;
        arrived();
        long fresh = result.Buffer.Length - _granted;
        if (gate is not null && fresh > 0)
        {
            _granted += gate.TakeUpTo(Math.Min(fresh, gate.ChunkSize));
            if (_granted == 0)
            {
                inner.AdvanceTo(result.Buffer.Start);
                return false;
            }
        }

        result = Show(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (gate is not null) _granted -= _shown.Slice(_shown.Start, consumed).Length;
        _shown = default;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private ReadResult Show(ReadResult read)
    {
        if (gate is null) return read;
        bool whole = _granted >= read.Buffer.Length;
        _shown = whole ? read.Buffer : read.Buffer.Slice(0, _granted);
        return new ReadResult(_shown, read.IsCanceled, read.IsCompleted && whole);
    }
}
