using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tests.Noise;

/// <summary>Gives out a fixed script of bytes, at most <paramref name="chunkSize"/> at once, and then the end; keeps what is sent. Everything completes at once.</summary>
internal sealed class ScriptedConnection(byte[] script, int chunkSize = int.MaxValue) : ByteConnection
{
    private int _position;

    internal List<byte[]> Sent { get; } = [];

    internal bool IsAborted { get; private set; }

    internal ConnectionException? SendFailure { get; set; }

    public override Multiaddr LocalAddress => throw new NotSupportedException();

    public override Multiaddr RemoteAddress => throw new NotSupportedException();

    public override ValueTask WaitForDataAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int size = Math.Min(Math.Min(buffer.Length, chunkSize), script.Length - _position);
        script.AsMemory(_position, size).CopyTo(buffer);
        _position += size;
        return ValueTask.FromResult(size);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (SendFailure is not null) throw SendFailure;
        Sent.Add(buffer.ToArray());
        return ValueTask.CompletedTask;
    }

    public override ValueTask CompleteAsync() => ValueTask.CompletedTask;

    public override void Abort() => IsAborted = true;

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
