using System.Buffers;
using System.IO.Pipelines;
using Overlay.Transport.Connections;
using static Overlay.TestKit.InMemoryPeers.InMemoryConnection;

namespace Overlay.TestKit.InMemoryPeers;

/// <summary>A stream of <see cref="InMemoryConnection"/> with a receive window, half-close, reset and exact counts.</summary>
public sealed class InMemoryStream : PeerStream
{
    private const int WindowSize = 256 * 1024;
    private const int FrameSize = 16 * 1024;

    private readonly InMemoryConnection _connection;
    private readonly int _id;
    private readonly Pipe _send = new(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024, useSynchronizationContext: false));
    private readonly Pipe _receive = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _windowChanged = new(0);
    private readonly Lock _lock = new();
    private readonly CountingReader _input;
    private long _sent;
    private long _received;
    private int _sendWindow = WindowSize;
    private bool _sendEnded;
    private bool _receiveEnded;
    private bool _resetSent;
    private Exception? _error;

    internal InMemoryStream(InMemoryConnection connection, int id, string protocol)
    {
        _connection = connection;
        _id = id;
        Protocol = protocol;
        _input = new CountingReader(_receive.Reader, OnConsumed);
    }

    public override PeerConnection Connection => _connection;

    public override string Protocol { get; }

    public override PipeReader Input => _input;

    public override PipeWriter Output => _send.Writer;

    public override long BytesSent => Interlocked.Read(ref _sent);

    public override long BytesReceived => Interlocked.Read(ref _received);

    public override Task Completion => _completion.Task;

    public override void Abort(string reason) =>
        Abort(new ConnectionException(ConnectionError.StreamAborted, ConnectionStep.Stream, Fault.Local, reason));

    public override async ValueTask DisposeAsync()
    {
        await _send.Writer.CompleteAsync();
        bool over;
        lock (_lock) over = _receiveEnded || _error is not null;
        if (!over) Abort("The stream was disposed before the peer ended it.");
        await _input.CompleteAsync();
    }

    internal void Start() => Task.Run(SendAsync);

    internal void OnConnectionLost() => End(InMemoryConnection.Lost());

    internal void OnFrame(Frame frame)
    {
        switch (frame.Kind)
        {
            case FrameKind.Data:
                Interlocked.Add(ref _received, frame.Data.Length);
                lock (_lock)
                {
                    // Never waits: the pipe has no threshold, the window bounds it.
                    if (_error is null) _receive.Writer.WriteAsync(frame.Data).AsTask().GetAwaiter().GetResult();
                }

                break;
            case FrameKind.Window:
                Interlocked.Add(ref _sendWindow, frame.Size);
                _windowChanged.Release();
                break;
            case FrameKind.Fin:
                lock (_lock)
                {
                    _receiveEnded = true;
                    _receive.Writer.Complete();
                }

                CompleteIfOver();
                break;
            case FrameKind.Reset:
                End(new ConnectionException(ConnectionError.StreamReset, ConnectionStep.Stream, Fault.Peer, "The stream was reset by the peer."));
                break;
            case FrameKind.Pong:
                Over();
                break;
        }
    }

    private void Abort(ConnectionException reason)
    {
        lock (_lock)
        {
            if (_error is not null || _completion.Task.IsCompleted) return;
            _error = reason;
            _resetSent = true;
        }

        // No data frame goes out behind the reset: both are sent under the connection's lock, which the sender takes after looking at the error.
        bool alive = _connection.TrySend(FrameKind.Reset, _id) && _connection.TrySend(FrameKind.Ping, _id);
        Fail(reason);
        if (!alive) Over();
    }

    private void End(ConnectionException reason)
    {
        bool first;
        lock (_lock)
        {
            first = _error is null;
            _error ??= reason;
            // A stream that both reset waits for its own ping all the same: what the peer sent before is still counted.
            if (_resetSent && reason.Reason == ConnectionError.StreamReset) return;
        }

        if (first) Fail(reason);
        Over();
    }

    private void Fail(Exception reason)
    {
        lock (_lock) _receive.Writer.Complete(reason);
        _send.Reader.CancelPendingRead();
        _windowChanged.Release();
    }

    private void CompleteIfOver()
    {
        lock (_lock)
        {
            if (!_sendEnded || !_receiveEnded) return;
        }

        Over();
    }

    private void Over()
    {
        // Behind the barrier no frame is under way that looked before the stream failed.
        _connection.Forget(_id);
        _connection.Barrier();
        _completion.TrySetResult();
    }

    private void OnConsumed(long count)
    {
        if (count > 0) _connection.TrySend(FrameKind.Window, _id, size: (int)count);
    }

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                ReadResult read = await _send.Reader.ReadAsync();
                ReadOnlySequence<byte> rest = read.Buffer;
                while (!rest.IsEmpty)
                {
                    while (Volatile.Read(ref _sendWindow) <= 0 && Volatile.Read(ref _error) is null) await _windowChanged.WaitAsync();
                    int size = (int)Math.Min(Math.Min(rest.Length, FrameSize), Math.Max(1, Volatile.Read(ref _sendWindow)));
                    byte[] data = rest.Slice(0, size).ToArray();
                    if (!TrySendData(data)) throw _error ?? InMemoryConnection.Lost();
                    Interlocked.Add(ref _sendWindow, -size);
                    rest = rest.Slice(size);
                }

                _send.Reader.AdvanceTo(rest.End);
                if (Volatile.Read(ref _error) is { } error) throw error;
                if (read.IsCompleted) break;
            }

            lock (_lock) _sendEnded = true;
            _connection.TrySend(FrameKind.Fin, _id);
            await _send.Reader.CompleteAsync();
            CompleteIfOver();
        }
        catch (Exception e)
        {
            // Completing the output with an error is a reset, as at the real stream.
            if (Volatile.Read(ref _error) is null) Abort(e.Message);
            await _send.Reader.CompleteAsync(Volatile.Read(ref _error) ?? e);
        }
    }

    private bool TrySendData(byte[] data) =>
        _connection.TrySendData(_id, data, () => Volatile.Read(ref _error) is not null, () => Interlocked.Add(ref _sent, data.Length));

    private sealed class CountingReader(PipeReader inner, Action<long> consumed) : PipeReader
    {
        private ReadOnlySequence<byte> _buffer;
        private bool _completed;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            ReadResult read = await inner.ReadAsync(cancellationToken);
            _buffer = read.Buffer;
            return read;
        }

        public override bool TryRead(out ReadResult result)
        {
            bool read = inner.TryRead(out result);
            if (read) _buffer = result.Buffer;
            return read;
        }

        public override void AdvanceTo(SequencePosition position) => AdvanceTo(position, position);

        public override void AdvanceTo(SequencePosition position, SequencePosition examined)
        {
            long count = _buffer.Slice(_buffer.Start, position).Length;
            inner.AdvanceTo(position, examined);
            consumed(count);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null)
        {
            if (_completed) return;
            _completed = true;
            inner.Complete(exception);
        }
    }
}
