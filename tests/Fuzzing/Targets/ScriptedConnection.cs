using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>Gives out fixed bytes, at most some at once, then the end; forgets what is sent. Everything completes at once.</summary>
internal sealed class ScriptedConnection(byte[] script, int pieceSize) : ByteConnection
{
    private int _position;

    internal bool IsAborted { get; private set; }

    public override Multiaddr LocalAddress => throw new NotSupportedException();

    public override Multiaddr RemoteAddress => throw new NotSupportedException();

    public override ValueTask WaitForDataAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int size = Math.Min(Math.Min(buffer.Length, Math.Max(1, pieceSize)), script.Length - _position);
        script.AsMemory(_position, size).CopyTo(buffer);
        _position += size;
        return ValueTask.FromResult(size);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public override ValueTask CompleteAsync() => ValueTask.CompletedTask;

    public override void Abort() => IsAborted = true;

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
