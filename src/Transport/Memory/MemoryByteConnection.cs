using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Memory;

/// <summary>One end of a connection inside this process: it reads one <see cref="MemoryPipe"/> and writes another.</summary>
internal sealed class MemoryByteConnection : ByteConnection
{
    private readonly MemoryPipe _input;
    private readonly MemoryPipe _output;

    private MemoryByteConnection(Multiaddr local, Multiaddr remote, MemoryPipe input, MemoryPipe output)
    {
        LocalAddress = local;
        RemoteAddress = remote;
        _input = input;
        _output = output;
    }

    public override Multiaddr LocalAddress { get; }

    public override Multiaddr RemoteAddress { get; }

    internal static (MemoryByteConnection Dialler, MemoryByteConnection Listener) CreatePair(Multiaddr dialler, Multiaddr listener, int pipeSize)
    {
        var there = new MemoryPipe(pipeSize);
        var back = new MemoryPipe(pipeSize);
        return (new MemoryByteConnection(dialler, listener, back, there), new MemoryByteConnection(listener, dialler, there, back));
    }

    public override ValueTask WaitForDataAsync(CancellationToken cancellationToken) => _input.WaitForDataAsync(cancellationToken);

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (buffer.IsEmpty) throw new ArgumentException("Nothing can be received into no bytes.", nameof(buffer));
        return _input.ReadAsync(buffer, cancellationToken);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken) => _output.WriteAsync(buffer, cancellationToken);

    public override ValueTask CompleteAsync()
    {
        _output.CompleteWriting();
        return ValueTask.CompletedTask;
    }

    public override void Abort()
    {
        _output.Break(MemoryPipeEnd.Writer);
        _input.Break(MemoryPipeEnd.Reader);
    }

    public override ValueTask DisposeAsync()
    {
        _output.CloseWriting();
        // Whoever still writes to this end finds it gone, as with a closed socket.
        _input.Break(MemoryPipeEnd.Reader);
        return ValueTask.CompletedTask;
    }
}
