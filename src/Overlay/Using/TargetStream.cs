using System.Buffers;
using System.IO.Pipelines;
using Overlay.Sessions;

namespace Overlay.Using;

/// <summary>A connection to a target as a <see cref="Stream"/>. Every write is flushed: a caller of streams expects its bytes to leave.</summary>
internal sealed class TargetStream(MeteredStream inner) : ConnectionStream
{
    public override bool CanWrite => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ReadResult result = await inner.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (result.IsCanceled)
        {
            inner.Input.AdvanceTo(result.Buffer.Start);
            throw new OperationCanceledException();
        }

        ReadOnlySequence<byte> taken = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, buffer.Length));
        taken.CopyTo(buffer.Span);
        inner.Input.AdvanceTo(taken.End);
        return (int)taken.Length;
    }

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        FlushResult result = await inner.Output.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (result.IsCanceled) throw new OperationCanceledException();
        if (result.IsCompleted) throw new IOException("The target takes no more bytes.");
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) =>
        WriteAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

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

/// <summary>A view on connections to targets for callers of streams.</summary>
internal static class MeteredStreamExtensions
{
    /// <summary>The connection as a stream, which owns it from then on. Disposing asynchronously ends it in order; disposing synchronously aborts it.</summary>
    public static Stream AsStream(this MeteredStream stream) => new TargetStream(stream);
}
