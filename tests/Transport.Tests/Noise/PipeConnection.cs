using System.Buffers;
using System.IO.Pipelines;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tests.Noise;

/// <summary>Two ends joined by two bounded pipes.</summary>
internal sealed class PipeConnection : ByteConnection
{
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private PipeConnection? _other;
    private volatile bool _aborted;

    private PipeConnection(PipeReader input, PipeWriter output)
    {
        _input = input;
        _output = output;
    }

    public override Multiaddr LocalAddress => throw new NotSupportedException();

    public override Multiaddr RemoteAddress => throw new NotSupportedException();

    internal static (PipeConnection, PipeConnection) CreatePair()
    {
        var options = new PipeOptions(pauseWriterThreshold: 100_000, resumeWriterThreshold: 50_000, useSynchronizationContext: false);
        Pipe one = new(options), other = new(options);
        PipeConnection a = new(one.Reader, other.Writer), b = new(other.Reader, one.Writer);
        a._other = b;
        b._other = a;
        return (a, b);
    }

    public override async ValueTask WaitForDataAsync(CancellationToken cancellationToken)
    {
        ReadResult result = await ReadAsync(cancellationToken);
        _input.AdvanceTo(result.Buffer.Start);
    }

    public override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ReadResult result = await ReadAsync(cancellationToken);
        int size = (int)Math.Min(buffer.Length, result.Buffer.Length);
        ReadOnlySequence<byte> part = result.Buffer.Slice(0, size);
        part.CopyTo(buffer.Span);
        _input.AdvanceTo(part.End);
        return size;
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        ThrowIfAborted();
        FlushResult result = await _output.WriteAsync(buffer, cancellationToken);
        if (result.IsCanceled) ThrowIfAborted();
    }

    public override ValueTask CompleteAsync() => _output.CompleteAsync();

    public override void Abort()
    {
        Break();
        _other!.Break();
    }

    public override ValueTask DisposeAsync()
    {
        Abort();
        return ValueTask.CompletedTask;
    }

    private void Break()
    {
        _aborted = true;
        _input.CancelPendingRead();
        _output.CancelPendingFlush();
    }

    private async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        ThrowIfAborted();
        ReadResult result = await _input.ReadAsync(cancellationToken);
        if (!_aborted) return result;
        _input.AdvanceTo(result.Buffer.Start);
        ThrowIfAborted();
        return result;
    }

    private void ThrowIfAborted()
    {
        if (_aborted) throw new ConnectionException(ConnectionError.ConnectionLost, ConnectionStep.Connection, Fault.Network, "The pipe was broken.");
    }
}
