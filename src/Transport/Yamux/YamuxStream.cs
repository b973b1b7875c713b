using System.IO.Pipelines;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>One stream of a session: its two windows, its two queues, and how far each direction is.</summary>
/// <remarks>
/// Everything here is guarded by the session's gate. A direction ends with FIN; both end at once with RST. After a reset of this side the stream
/// stays known to the session until the fence behind the reset has come back, so that late frames are counted.
/// </remarks>
internal sealed class YamuxStream : MuxedStream
{
    private readonly YamuxSession _session;
    private readonly YamuxStreamReader _reader;
    private readonly YamuxStreamWriter _writer;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytesSent;
    private long _bytesReceived;
    private bool _isHeld;
    private bool _isFinRequested;
    private bool _isFinSent;
    private bool _isWritingFin;
    private bool _isResetPending;
    private bool _isAckPending;
    private bool _isUpdatePending;
    private bool _isDisposed;
    private bool _hasSentSinceUpdate;

    // The stream was disposed, and there is no waiting for its peer's end: it sends what nobody will read, or the connection closes.
    private bool _isUnwanted;

    internal YamuxStream(YamuxSession session, uint id, Direction direction, TimeSpan now)
    {
        _session = session;
        Id = id;
        Direction = direction;
        OpenedAt = now;
        ReceiveWindow = new ReceiveWindow(session.Options.MaxReceiveWindow, session.Memory, now);
        _reader = new YamuxStreamReader(session, this);
        _writer = new YamuxStreamWriter(session, this);
    }

    internal override uint Id { get; }

    internal override PipeReader Input => _reader;

    internal override PipeWriter Output => _writer;

    internal override long BytesSent => Volatile.Read(ref _bytesSent);

    internal override long BytesReceived => Volatile.Read(ref _bytesReceived);

    internal override Task Completion => _completion.Task;

    internal Direction Direction { get; }

    internal TimeSpan OpenedAt { get; }

    /// <summary>When a disposed stream that has not ended in both directions is reset; null otherwise.</summary>
    internal TimeSpan? LingersUntil { get; private set; }

    internal SendWindow SendWindow { get; } = new();

    internal ReceiveWindow ReceiveWindow { get; }

    internal bool IsAcknowledged { get; set; }

    internal bool IsSynPending { get; set; }

    internal bool IsInControlQueue { get; set; }

    internal bool IsInDataQueue { get; set; }

    /// <summary>The peer has ended its direction.</summary>
    internal bool IsFinReceived { get; private set; }

    /// <summary>Why the stream was reset or lost; null for one that lives or ended in order.</summary>
    internal ConnectionException? Error { get; private set; }

    /// <summary>The stream is forgotten by the session and its counts are final.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>Whether a data frame, or a FIN, can be sent now.</summary>
    internal bool CanSend =>
        Error is null && !IsSynPending && !_isHeld && !_isFinSent && (_writer.Queue.UnsentSize > 0 ? SendWindow.Available > 0 : _isFinRequested);

    internal override void Abort(ConnectionException reason)
    {
        lock (_session.Gate)
        {
            if (!_isDisposed) Reset(reason);
        }
    }

    public override ValueTask DisposeAsync()
    {
        lock (_session.Gate)
        {
            if (_isDisposed) return ValueTask.CompletedTask;
            _isDisposed = true;
            _isUnwanted = _reader.CompleteCore() > 0 || _session.IsClosing;
            _writer.CompleteCore();
            if (IsOver || Error is not null) return ValueTask.CompletedTask;
            // A peer that is about to end its direction as well needs no reset, which could overtake what it has not read yet.
            LingersUntil = _session.Now + _session.Options.LingerTimeout;
            _session.Schedule(LingersUntil.Value);
            ResetIfUnwanted();
        }

        return ValueTask.CompletedTask;
    }

    internal override void WriteHeld(ReadOnlySpan<byte> bytes)
    {
        lock (_session.Gate)
        {
            _writer.Append(bytes);
            _isHeld = true;
            if (Direction == Direction.Outbound) _session.Hold(this);
        }
    }

    /// <summary>Lets go what was held; also the stream's SYN or ACK, which wait for company likewise.</summary>
    internal override void ReleaseHeld()
    {
        lock (_session.Gate)
        {
            Release();
            _session.WakeSender();
        }
    }

    /// <summary>The application has taken the stream: the peer may know.</summary>
    internal void Accept()
    {
        if (IsOver || Error is not null) return;
        _isAckPending = true;
        // Leaves with the application's first bytes, or when its first read has to wait.
        _session.SendLater(this);
    }

    /// <summary>Ends both directions at once from this side.</summary>
    internal void Reset(ConnectionException error)
    {
        if (IsOver || Error is not null) return;
        Error = error;
        DropQueues();
        if (IsSynPending)
        {
            // The peer has never heard of this stream.
            IsSynPending = false;
            Finish();
            return;
        }

        _isResetPending = true;
        _session.Send(this);
        if (IsFinReceived) Finish();
    }

    /// <summary>The peer has ended both directions at once.</summary>
    internal void ReceiveReset()
    {
        if (IsOver) return;
        _isResetPending = false;
        if (Error is null)
        {
            Error = YamuxError.StreamReset();
            DropQueues();
        }

        Finish();
    }

    /// <summary>The connection is over.</summary>
    internal void Lose(ConnectionException error)
    {
        if (IsOver) return;
        if (Error is null)
        {
            Error = error;
            DropQueues();
        }

        Finish();
    }

    /// <summary>Whether a frame carries neither data nor a change of state, nor credit for anything sent since the last update.</summary>
    internal bool BringsNothing(in FrameHeader header)
    {
        bool acknowledges = header.Has(FrameFlags.Ack) && Direction == Direction.Outbound && !IsAcknowledged;
        bool changesState = acknowledges || header.Has(FrameFlags.Syn | FrameFlags.Rst) || (header.Has(FrameFlags.Fin) && !IsFinReceived);
        if (header.Type == FrameType.Data) return header.Length == 0 && !changesState;
        bool isOwed = header.Length > 0 && _hasSentSinceUpdate;
        _hasSentSinceUpdate = false;
        return !isOwed && !changesState;
    }

    /// <summary>A data frame of <paramref name="size"/> bytes was announced.</summary>
    internal void ReceiveData(uint size)
    {
        if (IsFinReceived && size > 0) throw YamuxError.Violation($"The peer sent data behind its FIN on stream {Id}.");
        if (!ReceiveWindow.TryReceive(size))
            throw YamuxError.Violation($"The peer sent {size} bytes on stream {Id}, where it may send {ReceiveWindow.Remaining}.");
    }

    /// <summary>A piece of an announced data frame has arrived.</summary>
    internal void ReceivePayload(SharedBuffer buffer, int offset, int count)
    {
        Volatile.Write(ref _bytesReceived, _bytesReceived + count);
        if (Error is not null) return;
        if (_reader.IsCompleted)
        {
            Consumed(count);
        }
        else if (!_reader.TryReceive(buffer, offset, count))
        {
            Reset(YamuxError.NoMemory(Id));
            return;
        }

        _isUnwanted |= _isDisposed;
        ResetIfUnwanted();
    }

    internal void ReceiveFin()
    {
        if (IsOver || IsFinReceived) return;
        if (Error is not null)
        {
            // Nothing follows a FIN: a stream reset by this side need not wait for its fence.
            Finish();
            return;
        }

        IsFinReceived = true;
        _reader.Wake();
        if (_isFinSent && !_isWritingFin) Finish();
    }

    /// <summary>The application is done with <paramref name="count"/> received bytes: the peer gets credit for them.</summary>
    internal void Consumed(int count)
    {
        if (IsOver || Error is not null || IsFinReceived) return;
        if (ReceiveWindow.Consume(count)) SendUpdate();
    }

    /// <summary>The reader has seen all there is, consumed too little of it and wants more than the window holds.</summary>
    /// <param name="unread">Bytes that have arrived and were not consumed.</param>
    /// <returns>False when the window cannot grow any more.</returns>
    internal bool TryWiden(int unread)
    {
        if (IsOver || IsFinReceived || ReceiveWindow.Remaining > 0 || _isUpdatePending) return true;
        // Announced and still under way.
        if (ReceiveWindow.Unread > unread) return true;
        if (ReceiveWindow.Owed == 0 && !ReceiveWindow.TryGrow()) return false;
        SendUpdate();
        return true;
    }

    /// <summary>What was held may be sent, and all that is written from here on.</summary>
    internal void Release()
    {
        if (!_isHeld) return;
        _isHeld = false;
        _session.AddData(this);
    }

    /// <summary>The application will write no more.</summary>
    internal void RequestFin()
    {
        if (_isFinRequested) return;
        _isFinRequested = true;
        _isHeld = false;
        _session.SendData(this);
    }

    /// <summary>The next frame of this stream that goes before data.</summary>
    internal bool TryTakeControlFrame(TimeSpan now, PingTracker pings, out FrameHeader header)
    {
        FrameFlags flags = FrameFlags.None;
        uint delta = 0;
        if (_isResetPending)
        {
            _isResetPending = false;
            flags = FrameFlags.Rst;
            if (!IsOver) pings.AddReset(this);
        }
        else if (Error is null && (IsSynPending || _isAckPending || _isUpdatePending))
        {
            if (IsSynPending) flags = FrameFlags.Syn;
            if (_isAckPending) flags = FrameFlags.Ack;
            if (!IsFinReceived) delta = ReceiveWindow.TakeUpdate(now, pings.ShortestRoundTrip);
            if (flags == FrameFlags.None) pings.Refresh(now);
            IsSynPending = _isAckPending = _isUpdatePending = false;
            if (flags == FrameFlags.Syn) _session.AddData(this);
        }

        header = new FrameHeader(FrameType.WindowUpdate, flags, Id, delta);
        // A window that shrinks may keep all that it owes: there is nothing to say then.
        return flags != FrameFlags.None || delta > 0;
    }

    /// <summary>Takes up to <paramref name="maxPayload"/> bytes out of the queue as a frame, or the FIN behind them; <see cref="EndDataFrame"/> follows when it is written.</summary>
    internal FrameHeader TakeDataFrame(int maxPayload)
    {
        int count = SendWindow.Take(Math.Min(maxPayload, _writer.Queue.UnsentSize));
        _writer.Queue.Claim(count);
        Volatile.Write(ref _bytesSent, _bytesSent + count);
        _hasSentSinceUpdate |= count > 0;
        if (count > 0) return new FrameHeader(FrameType.Data, FrameFlags.None, Id, (uint)count);

        // FIN never travels on a frame with data: js-libp2p acts on a frame's flags before its data and would drop the last bytes.
        _isFinSent = _isWritingFin = true;
        return new FrameHeader(FrameType.WindowUpdate, FrameFlags.Fin, Id, 0);
    }

    /// <summary>Takes credit for up to <paramref name="wanted"/> bytes that the caller writes itself.</summary>
    internal int TakeDirect(int wanted)
    {
        if (Error is not null || IsSynPending) return 0;
        int count = SendWindow.Take(wanted);
        Volatile.Write(ref _bytesSent, _bytesSent + count);
        _hasSentSinceUpdate |= count > 0;
        return count;
    }

    /// <summary>Copies claimed bytes; called by the sender without the gate.</summary>
    internal void CopyClaimed(Span<byte> destination) => _writer.Queue.CopyTo(destination);

    /// <summary>A frame taken with <see cref="TakeDataFrame"/> was written.</summary>
    internal void EndDataFrame(in FrameHeader header)
    {
        _writer.Sent((int)header.Length);
        if (!header.Has(FrameFlags.Fin)) return;
        _isWritingFin = false;
        if (!IsOver && Error is null)
        {
            if (IsFinReceived) Finish();
            else ResetIfUnwanted();
        }
    }

    /// <summary>Ends the linger of a disposed stream whose work is done: the peer sends on what nobody will read, or the connection closes.</summary>
    internal void EndLinger()
    {
        _isUnwanted |= _isDisposed;
        ResetIfUnwanted();
    }

    /// <summary>Both directions are over and both counts final.</summary>
    internal void Finish()
    {
        if (IsOver) return;
        IsOver = true;
        ReceiveWindow.Close();
        _session.Forget(this);
        _completion.TrySetResult();
    }

    // Not before the FIN, behind which all that this side had to say is on its way.
    private void ResetIfUnwanted()
    {
        if (_isUnwanted && _isFinSent && !_isWritingFin && !IsFinReceived) Reset(YamuxError.StreamAborted("The stream was disposed."));
    }

    private void SendUpdate()
    {
        _isUpdatePending = true;
        _session.Send(this);
    }

    private void DropQueues()
    {
        LingersUntil = null;
        _writer.Fail();
        // After the peer's FIN all that it had to say is here, and stays readable.
        if (!IsFinReceived) _reader.Fail();
    }
}
