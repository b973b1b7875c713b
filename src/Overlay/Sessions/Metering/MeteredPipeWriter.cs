using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Overlay.Sessions.Metering;

/// <summary>A stream's output behind a credit gate: credit is taken before bytes are flushed.</summary>
/// <remarks>
/// Up to one chunk goes straight into the stream's own memory. A caller who writes more between two flushes fills a buffer here, which a flush then
/// passes on chunk by chunk. Who leaves the size open gets little memory at first and more as it is filled. <c>notice</c> is called when a flush has to wait
/// for credit and after each flush. One writer at a time.
/// </remarks>
internal sealed class MeteredPipeWriter(PipeWriter inner, CreditGate gate, Action notice) : PipeWriter
{
    private const int FirstSize = CreditGate.FrameSize / 4;

    private ArrayBufferWriter<byte>? _overflow;
    private int _size = FirstSize;
    private int _offered;
    private int _direct;
    private bool _writingOverflow;
    private long _taken;

    /// <summary>Bytes for which credit was taken.</summary>
    internal long Taken => Volatile.Read(ref _taken);

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _direct + (_overflow?.WrittenCount ?? 0);

    /// <summary>Memory of the size asked for; without a size, twice what was filled the last time, as far as it can go at once.</summary>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        // The chunk may have shrunk since: what is direct then stays so, and what follows goes to the buffer.
        int room = gate.ChunkSize - _direct;
        _writingOverflow = _overflow is { WrittenCount: > 0 } || Math.Max(sizeHint, 1) > room;
        if (_writingOverflow) return (_overflow ??= new ArrayBufferWriter<byte>()).GetMemory(sizeHint);
        if (sizeHint == 0) return inner.GetMemory(_offered = Math.Min(_size, room))[.._offered];
        _offered = 0;
        Memory<byte> memory = inner.GetMemory(sizeHint);
        return memory[..Math.Min(memory.Length, room)];
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (_writingOverflow)
        {
            _overflow!.Advance(bytes);
        }
        else
        {
            inner.Advance(bytes);
            _direct += bytes;
            if (_offered == 0) return;
            // Bytes that fill what they were given come from a source that had more.
            if (bytes == _offered) _size = Math.Min(_size * 2, 2 * CreditGate.FrameSize);
            else if (bytes < _offered / 4) _size = Math.Max(_size / 2, FirstSize);
            _offered = 0;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        FlushResult result = await FlushDirectAsync(cancellationToken).ConfigureAwait(false);
        if (_overflow is not { WrittenCount: > 0 } overflow || result.IsCompleted || result.IsCanceled) return result;
        ReadOnlyMemory<byte> rest = overflow.WrittenMemory;
        _overflow = null;
        return await WriteAsync(rest, cancellationToken).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        FlushResult result = UnflushedBytes != 0 || source.IsEmpty ? await FlushAsync(cancellationToken).ConfigureAwait(false) : default;
        while (!source.IsEmpty && !result.IsCompleted && !result.IsCanceled)
        {
            ReadOnlyMemory<byte> chunk = source[..Math.Min(source.Length, gate.ChunkSize)];
            source = source[chunk.Length..];
            await TakeAsync(chunk.Length, cancellationToken).ConfigureAwait(false);
            // Not through the stream's memory: what can leave at once is copied once less.
            result = await inner.WriteAsync(chunk, cancellationToken).ConfigureAwait(false);
            notice();
        }

        return result;
    }

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        // Without waiting, unflushed bytes can only go if there is credit for them now.
        if (exception is null && UnflushedBytes != 0)
        {
            if (_overflow is { WrittenCount: > 0 } || !TryTakeDirect()) exception = new IOException("The stream was completed with bytes that were never flushed.");
        }

        inner.Complete(exception);
    }

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        if (exception is null && UnflushedBytes != 0) await FlushAsync().ConfigureAwait(false);
        await inner.CompleteAsync(exception).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> FlushDirectAsync(CancellationToken cancellationToken)
    {
        if (_direct != 0)
        {
            await TakeAsync(_direct, cancellationToken).ConfigureAwait(false);
            _direct = 0;
        }

        FlushResult result = await inner.FlushAsync(cancellationToken).ConfigureAwait(false);
        notice();
        return result;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask TakeAsync(int count, CancellationToken cancellationToken)
    {
        ValueTask taking = gate.TakeAsync(count, cancellationToken);
        if (!taking.IsCompleted) notice();
        await taking.ConfigureAwait(false);
        Volatile.Write(ref _taken, _taken + count);
    }

    /// <summary>Takes credit for <paramref name="count"/> bytes that go out beside this writer, if there is some now.</summary>
    internal bool TryTake(int count)
    {
        if (!gate.TryTake(count)) return false;
        Volatile.Write(ref _taken, _taken + count);
        return true;
    }

    private bool TryTakeDirect()
    {
        if (!TryTake(_direct)) return false;
        _direct = 0;
        return true;
    }
}
