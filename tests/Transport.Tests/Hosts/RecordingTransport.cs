using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Memory;

namespace Overlay.Transport.Tests.Hosts;

/// <summary>An in-memory transport that says how many bytes each send on an accepted connection had.</summary>
internal sealed class RecordingTransport(MemoryNetwork network, Action<int> sent) : IByteTransport
{
    private readonly MemoryTransport _inner = new(network);

    public bool CanDial(Multiaddr address) => _inner.CanDial(address);

    public ValueTask<ByteConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken) => _inner.DialAsync(address, cancellationToken);

    public async ValueTask<ByteListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken) =>
        new Listener(await _inner.ListenAsync(address, cancellationToken), sent);

    private sealed class Listener(ByteListener inner, Action<int> sent) : ByteListener
    {
        public override Multiaddr Address => inner.Address;

        public override async ValueTask<ByteConnection> AcceptAsync(CancellationToken cancellationToken) =>
            new Connection(await inner.AcceptAsync(cancellationToken), sent);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class Connection(ByteConnection inner, Action<int> sent) : ByteConnection
    {
        public override Multiaddr LocalAddress => inner.LocalAddress;

        public override Multiaddr RemoteAddress => inner.RemoteAddress;

        public override ValueTask WaitForDataAsync(CancellationToken cancellationToken) => inner.WaitForDataAsync(cancellationToken);

        public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) => inner.ReceiveAsync(buffer, cancellationToken);

        public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
        {
            sent(buffer.Length);
            return inner.SendAsync(buffer, cancellationToken);
        }

        public override ValueTask CompleteAsync() => inner.CompleteAsync();

        public override void Abort() => inner.Abort();

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
