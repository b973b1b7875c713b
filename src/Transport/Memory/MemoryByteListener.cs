using System.Threading.Channels;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Memory;

/// <summary>A listener in a <see cref="MemoryNetwork"/>.</summary>
internal sealed class MemoryByteListener : ByteListener
{
    private readonly MemoryNetwork _network;
    private readonly ulong _number;
    private readonly MemoryTransportOptions _options;
    private readonly Channel<MemoryByteConnection> _backlog;

    internal MemoryByteListener(MemoryNetwork network, ulong number, MemoryTransportOptions options)
    {
        _network = network;
        _number = number;
        _options = options;
        _backlog = Channel.CreateBounded<MemoryByteConnection>(options.ListenBacklog);
        Address = MemoryNetwork.ToAddress(number);
    }

    public override Multiaddr Address { get; }

    /// <summary>Puts a new connection before the listener and returns the dialler's end; null when the listener was disposed meanwhile.</summary>
    internal async ValueTask<MemoryByteConnection?> ConnectAsync(Multiaddr dialler, CancellationToken cancellationToken)
    {
        (MemoryByteConnection near, MemoryByteConnection far) = MemoryByteConnection.CreatePair(dialler, Address, _options.PipeSize);
        try
        {
            await _backlog.Writer.WriteAsync(far, cancellationToken).ConfigureAwait(false);
            return near;
        }
        catch (ChannelClosedException)
        {
            return null;
        }
    }

    public override async ValueTask<ByteConnection> AcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _backlog.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ConnectionException(ConnectionError.Closed, ConnectionStep.Listen, Fault.Local, "The listener was disposed.");
        }
    }

    public override ValueTask DisposeAsync()
    {
        if (!_backlog.Writer.TryComplete()) return ValueTask.CompletedTask;
        _network.Remove(_number);
        // Nobody will accept those that wait; their diallers see a reset, as from a closed TCP listener.
        while (_backlog.Reader.TryRead(out MemoryByteConnection? waiting)) waiting.Abort();
        return ValueTask.CompletedTask;
    }
}
