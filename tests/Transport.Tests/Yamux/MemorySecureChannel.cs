using System.Collections.Concurrent;
using System.Threading.Channels;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tests.Yamux;

/// <summary>Two ends of a channel in memory. Remembers every buffer that it handed out, so that a test can ask whether all were let go.</summary>
internal sealed class MemorySecureChannel : SecureChannel
{
    private readonly Channel<ReceivedSegment> _inbox;
    private readonly ConcurrentQueue<SharedBuffer> _handedOut = new();
    private readonly List<ReceivedSegment> _unflushed = [];
    private readonly Func<int, int>? _split;
    private readonly bool _tracksBuffers;
    private MemorySecureChannel? _other;
    private SharedBuffer? _writing;
    private int _written;
    private volatile bool _aborted;

    private MemorySecureChannel(int capacity, Func<int, int>? split, bool tracksBuffers)
    {
        _inbox = Channel.CreateBounded<ReceivedSegment>(new BoundedChannelOptions(capacity) { SingleReader = true });
        _split = split;
        _tracksBuffers = tracksBuffers;
    }

    internal override PeerId RemotePeer => throw new NotSupportedException();

    internal override PeerPublicKey RemotePublicKey => throw new NotSupportedException();

    internal override ReadOnlyMemory<byte> HandshakeHash => new byte[32];

    internal override string? NegotiatedMuxer => "/yamux/1.0.0";

    internal override int UnflushedSize => UnflushedTotal() + _written;

    internal override int MaxWriteSize => 65519;

    internal int FlushCount { get; private set; }

    /// <summary>Called before this end is cut, and after it is disposed: a test puts calls of several threads in an order.</summary>
    internal Action? Aborting { get; set; }

    /// <inheritdoc cref="Aborting"/>
    internal Action? Disposed { get; set; }

    /// <summary>Buffers handed out on this end that somebody still holds.</summary>
    internal int HeldBuffers => _handedOut.Count(IsHeld);

    /// <param name="capacity">Messages on the way in each direction before a flush has to wait.</param>
    /// <param name="split">Size of the next received piece, given the most that it can be; null for whole messages.</param>
    /// <param name="tracksBuffers">Whether buffers are remembered; not for measuring.</param>
    internal static (MemorySecureChannel First, MemorySecureChannel Second) CreatePair(int capacity = 1024, Func<int, int>? split = null, bool tracksBuffers = true)
    {
        MemorySecureChannel first = new(capacity, split, tracksBuffers);
        MemorySecureChannel second = new(capacity, split, tracksBuffers);
        first._other = second;
        second._other = first;
        return (first, second);
    }

    internal override async ValueTask<ReceivedSegment> ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_inbox.Reader.TryRead(out ReceivedSegment segment)) return segment;
            return await _inbox.Reader.ReadAsync(cancellationToken);
        }
        catch (ChannelClosedException closed)
        {
            if (closed.InnerException is ConnectionException inner) throw inner;
            return default;
        }
    }

    internal override Memory<byte> GetMemory(int sizeHint = 1)
    {
        Assert.InRange(sizeHint, 0, MaxWriteSize);
        if (_writing is not null && MaxWriteSize - _written < sizeHint) Seal();
        _writing ??= SharedBuffer.Rent(MaxWriteSize);
        return _writing.Array.AsMemory(_written, MaxWriteSize - _written);
    }

    internal override void Advance(int count)
    {
        Assert.InRange(count, 0, MaxWriteSize - _written);
        _written += count;
    }

    internal override ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        FlushCount++;
        Seal();
        int sent = 0;
        while (sent < _unflushed.Count && _other!._inbox.Writer.TryWrite(_unflushed[sent])) sent++;
        if (sent < _unflushed.Count) return FlushSlowlyAsync(sent, cancellationToken);
        _unflushed.Clear();
        return _aborted ? throw Lost() : ValueTask.CompletedTask;
    }

    internal override ValueTask CompleteAsync()
    {
        _other!._inbox.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    internal override void Abort()
    {
        Aborting?.Invoke();
        _aborted = true;
        _other!._aborted = true;
        _inbox.Writer.TryComplete(Lost());
        _other._inbox.Writer.TryComplete(Lost());
    }

    public override ValueTask DisposeAsync()
    {
        _other!._inbox.Writer.TryComplete();
        _inbox.Writer.TryComplete();
        while (_inbox.Reader.TryRead(out ReceivedSegment segment)) segment.Buffer?.Release();
        foreach (ReceivedSegment segment in _unflushed) segment.Buffer!.Release();
        _unflushed.Clear();
        _writing?.Release();
        _writing = null;
        _written = 0;
        Disposed?.Invoke();
        return ValueTask.CompletedTask;
    }

    private static bool IsHeld(SharedBuffer buffer)
    {
        try
        {
            _ = buffer.Array;
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private static ConnectionException Lost() =>
        new(ConnectionError.ConnectionLost, ConnectionStep.Connection, Fault.Network, "The line was cut.");

    private async ValueTask FlushSlowlyAsync(int sent, CancellationToken cancellationToken)
    {
        try
        {
            for (; sent < _unflushed.Count; sent++)
                await _other!._inbox.Writer.WriteAsync(_unflushed[sent], cancellationToken);
        }
        catch (ChannelClosedException)
        {
            foreach (ReceivedSegment segment in _unflushed.Skip(sent)) segment.Buffer!.Release();
            _unflushed.Clear();
            throw Lost();
        }

        _unflushed.Clear();
    }

    private int UnflushedTotal()
    {
        int total = 0;
        foreach (ReceivedSegment segment in _unflushed) total += segment.Length;
        return total;
    }

    private void Seal()
    {
        if (_writing is not { } buffer) return;
        if (_tracksBuffers) _handedOut.Enqueue(buffer);
        int offset = 0;
        while (offset < _written)
        {
            int length = _written - offset;
            if (_split is not null) length = Math.Clamp(_split(length), 1, length);
            buffer.Retain();
            _unflushed.Add(new ReceivedSegment(buffer, offset, length));
            offset += length;
        }

        buffer.Release();
        _writing = null;
        _written = 0;
    }
}
