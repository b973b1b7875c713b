using System.Buffers;
using System.Runtime.CompilerServices;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Noise;

/// <summary>Noise transport messages over a connection, after the handshake (libp2p noise specification, "Wire Format").</summary>
/// <remarks>
/// <para>One reader and one writer at a time, each on any thread; <see cref="Abort"/> on any thread at any time, which fails both. The channel owns the
/// connection and the ciphers. No allocation per message.</para>
/// <para>Writing: <see cref="GetMemory"/> always succeeds while <see cref="UnflushedSize"/> plus its size hint is at most
/// <see cref="NoiseOptions.MaxUnflushedSize"/>; beyond it the caller must flush. Pieces are packed into as few messages as their size hints allow.
/// A flush that was cancelled or failed breaks the channel, for a part of a message may be on its way.</para>
/// <para>Reading: a slice pins its whole buffer, at most <see cref="NoiseOptions.MaxReceiveBufferSize"/>; who keeps small pieces for long copies them.
/// A read that was cancelled has lost nothing. Forged data, or an end inside a message, aborts the connection and fails all later reads alike.</para>
/// </remarks>
internal sealed class NoiseChannel : SecureChannel
{
    private readonly ByteConnection _connection;
    private readonly NoiseHandshakeResult _handshake;
    private readonly ArrayPool<byte> _pool;
    private readonly NoiseReceiver _receiver;
    private readonly NoiseSender _sender;
    private SoleUse _receiving;
    private SoleUse _sending;
    private ConnectionException? _receiveFailure;
    private ConnectionException? _sendFailure;

    /// <param name="connection">Then the channel's.</param>
    /// <param name="leftover">Bytes received from the connection behind the last handshake message; copied.</param>
    /// <param name="handshake">The outcome, then the channel's.</param>
    /// <param name="options">Limits.</param>
    /// <param name="pool">Where buffers come from; null for the shared pool.</param>
    /// <param name="memory">What receive buffers are charged to; null for nothing.</param>
    /// <param name="time">The clock; the system's where null.</param>
    internal NoiseChannel(
        ByteConnection connection, ReadOnlySpan<byte> leftover, NoiseHandshakeResult handshake, NoiseOptions options,
        ArrayPool<byte>? pool = null, ConnectionMemory? memory = null, TimeProvider? time = null)
    {
        _connection = connection;
        _handshake = handshake;
        _pool = pool ?? ArrayPool<byte>.Shared;
        _receiver = new NoiseReceiver(connection, handshake.Receive, leftover, options, _pool, memory ?? new ConnectionMemory(0), time ?? TimeProvider.System);
        _sender = new NoiseSender(handshake.Send, options, _pool);
    }

    internal override PeerId RemotePeer => _handshake.RemotePeer;

    internal override PeerPublicKey RemotePublicKey => _handshake.RemotePublicKey;

    internal override ReadOnlyMemory<byte> HandshakeHash => _handshake.HandshakeHash;

    internal override string? NegotiatedMuxer => _handshake.NegotiatedMuxer;

    internal override int UnflushedSize => _sender.UnflushedSize;

    /// <summary>65,518 bytes.</summary>
    internal override int MaxWriteSize => NoiseSender.MaxPlaintextSize;

    internal override ValueTask<ReceivedSegment> ReceiveAsync(CancellationToken cancellationToken)
    {
        _receiving.Enter(this);
        if (TryTake(out ReceivedSegment segment))
        {
            ExitReceiving();
            return new ValueTask<ReceivedSegment>(segment);
        }

        return ReceiveMoreAsync(cancellationToken);
    }

    internal override Memory<byte> GetMemory(int sizeHint = 1)
    {
        ObjectDisposedException.ThrowIf(_sending.IsClosed, this);
        return _sender.GetMemory(sizeHint);
    }

    internal override void Advance(int count) => _sender.Advance(count);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    internal override async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        _sending.Enter(this);
        byte[]? frames = null;
        try
        {
            if (_sendFailure is not null) throw Again(_sendFailure);
            frames = _sender.Take(out int size);
            if (frames is null) return;
            _sender.Seal(frames.AsSpan(0, size));
            await _connection.SendAsync(frames.AsMemory(0, size), cancellationToken).ConfigureAwait(false);
        }
        catch (NoiseException e)
        {
            _sendFailure = NoncesUsedUp(e);
            Abort();
            throw _sendFailure;
        }
        catch (Exception e) when (e is ConnectionException or OperationCanceledException)
        {
            // The peer may hold a part of these frames, and the nonces are spent: nothing sent after them could be opened.
            _sendFailure ??= e as ConnectionException
                ?? new ConnectionException(ConnectionError.Closed, ConnectionStep.Connection, Fault.Local, "A flush was cancelled.", e);
            Abort();
            // What the peer did wrong broke the connection, not that it is closed now: whoever hears of it first shall hear that.
            if (e is ConnectionException && Volatile.Read(ref _receiveFailure) is { } cause) throw Again(cause);
            throw;
        }
        finally
        {
            if (frames is not null) _pool.Return(frames);
            if (_sending.Exit()) ClearSending();
        }
    }

    internal override async ValueTask CompleteAsync()
    {
        await FlushAsync(CancellationToken.None).ConfigureAwait(false);
        await _connection.CompleteAsync().ConfigureAwait(false);
    }

    internal override void Abort() => _connection.Abort();

    public override async ValueTask DisposeAsync()
    {
        if (_receiving.Close()) ClearReceiving();
        if (_sending.Close()) ClearSending();
        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    // Failures are kept for ReceiveMoreAsync to throw, so that they come out of the task.
    private bool TryTake(out ReceivedSegment segment)
    {
        segment = default;
        try
        {
            return _receiveFailure is null && _receiver.TryTake(out segment);
        }
        catch (ConnectionException e)
        {
            FailReceiving(e);
        }
        catch (NoiseException e)
        {
            FailReceiving(NoncesUsedUp(e));
        }

        return false;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReceivedSegment> ReceiveMoreAsync(CancellationToken cancellationToken)
    {
        try
        {
            ReceivedSegment segment;
            do
            {
                if (_receiveFailure is not null) throw Again(_receiveFailure);
                await _receiver.FillAsync(cancellationToken).ConfigureAwait(false);
            }
            while (!TryTake(out segment));

            return segment;
        }
        catch (ConnectionException e)
        {
            FailReceiving(e);
            throw;
        }
        finally
        {
            ExitReceiving();
        }
    }

    private void FailReceiving(ConnectionException failure)
    {
        if (_receiveFailure is not null) return;
        Volatile.Write(ref _receiveFailure, failure);
        _receiver.Release();
        Abort();
    }

    private void ExitReceiving()
    {
        if (_receiving.Exit()) ClearReceiving();
    }

    private void ClearReceiving()
    {
        _receiver.Release();
        _handshake.Receive.Dispose();
    }

    private void ClearSending()
    {
        _sender.Drop();
        _handshake.Send.Dispose();
    }

    private ConnectionException Again(ConnectionException failure) =>
        new(failure.Reason, failure.Step, failure.Fault, failure.Message, failure) { Peer = RemotePeer };

    private ConnectionException NoncesUsedUp(NoiseException e) =>
        new(ConnectionError.LimitExceeded, ConnectionStep.Connection, Fault.Local, e.Message, e) { Peer = RemotePeer };
}
