using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Overlay.Transport.Connections;

/// <summary>A <see cref="PeerStream"/> as a <see cref="Stream"/>. Every write is flushed: a caller of streams expects its bytes to leave.</summary>
internal sealed class DuplexPipeStream(PeerStream inner) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException("A network stream has no length.");

    public override long Position
    {
        get => throw new NotSupportedException("A network stream has no position.");
        set => throw new NotSupportedException("A network stream has no position.");
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ReadResult result = await inner.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
        ReadOnlySequence<byte> available = result.Buffer;
        if (result.IsCanceled)
        {
            inner.Input.AdvanceTo(available.Start);
            throw new OperationCanceledException();
        }

        int count = (int)Math.Min(available.Length, buffer.Length);
        ReadOnlySequence<byte> taken = available.Slice(0, count);
        taken.CopyTo(buffer.Span);
        inner.Input.AdvanceTo(taken.End);
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        FlushResult result = await inner.Output.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (result.IsCanceled) throw new OperationCanceledException();
        if (result.IsCompleted) throw new ConnectionException(ConnectionError.StreamReset, ConnectionStep.Stream, Fault.Peer, "The peer takes no more bytes on this stream.");
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) =>
        WriteAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("A network stream cannot seek.");

    public override void SetLength(long value) => throw new NotSupportedException("A network stream has no length.");

    public override async ValueTask DisposeAsync()
    {
        // Ends both directions in order; the abort that base.DisposeAsync comes to is then without effect.
        await inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Abort("The stream was disposed.");
        base.Dispose(disposing);
    }
}
