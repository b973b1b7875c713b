using Overlay.Transport.Connections;

namespace Overlay.Transport.Memory;

/// <summary>The two ends of a <see cref="MemoryPipe"/>.</summary>
internal enum MemoryPipeEnd
{
    Reader,
    Writer,
}

/// <summary>One direction of a connection: a ring of bytes that never holds more than its size. One reader, one writer, and anybody may break it.</summary>
/// <remarks>The lock owns all fields. Nobody is woken inside it: waiters continue asynchronously.</remarks>
internal sealed class MemoryPipe(int size)
{
    private const int InitialRingSize = 4096;

    private readonly Lock _lock = new();
    private byte[] _ring = [];
    private int _start;
    private int _count;
    private bool _writingEnded;
    private bool _writerGone;
    private MemoryPipeEnd? _brokenBy;
    private TaskCompletionSource? _readable;
    private TaskCompletionSource? _writable;

    internal async ValueTask WaitForDataAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Task wait;
        lock (_lock)
        {
            if (_brokenBy == MemoryPipeEnd.Reader) throw ClosedHere();
            if (_count > 0 || _writingEnded || _brokenBy is not null) return;
            wait = NextChange(ref _readable);
        }

        await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            if (_brokenBy == MemoryPipeEnd.Reader) throw ClosedHere();
        }
    }

    internal async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task wait;
            lock (_lock)
            {
                if (_brokenBy == MemoryPipeEnd.Reader) throw ClosedHere();
                if (_brokenBy == MemoryPipeEnd.Writer) throw Lost();
                if (_count > 0) return Take(buffer.Span);
                if (_writingEnded) return 0;
                wait = NextChange(ref _readable);
            }

            await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    internal async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task wait;
            lock (_lock)
            {
                if (_writerGone || _brokenBy == MemoryPipeEnd.Writer) throw ClosedHere();
                if (_writingEnded)
                    throw new ConnectionException(
                        ConnectionError.Closed, ConnectionStep.Connection, Fault.Local, "This side's direction was completed; nothing more can be sent.");
                if (_brokenBy == MemoryPipeEnd.Reader) throw Lost();
                buffer = buffer[Put(buffer.Span)..];
                if (buffer.IsEmpty) return;
                wait = NextChange(ref _writable);
            }

            await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Half-close: what is in the ring can still be read, then the end.</summary>
    internal void CompleteWriting()
    {
        lock (_lock)
        {
            _writingEnded = true;
            Wake(ref _readable);
        }
    }

    /// <summary>As <see cref="CompleteWriting"/>, and a write that waits fails, for its end is disposed.</summary>
    internal void CloseWriting()
    {
        lock (_lock)
        {
            _writingEnded = true;
            _writerGone = true;
            Wake(ref _readable);
            Wake(ref _writable);
        }
    }

    /// <summary>Ends the pipe at once; what is in it is lost. The first to break it counts.</summary>
    internal void Break(MemoryPipeEnd end)
    {
        lock (_lock)
        {
            if (_brokenBy is not null) return;
            // An orderly end that was disposed earlier stays one for a reader who has not come to it.
            if (end == MemoryPipeEnd.Writer && _writerGone) return;
            _brokenBy = end;
            _ring = [];
            _count = 0;
            Wake(ref _readable);
            Wake(ref _writable);
        }
    }

    private int Take(Span<byte> destination)
    {
        int taken = Math.Min(_count, destination.Length);
        int first = Math.Min(taken, _ring.Length - _start);
        _ring.AsSpan(_start, first).CopyTo(destination);
        _ring.AsSpan(0, taken - first).CopyTo(destination[first..]);
        _start = (_start + taken) % _ring.Length;
        _count -= taken;
        Wake(ref _writable);
        return taken;
    }

    private int Put(ReadOnlySpan<byte> source)
    {
        int put = Math.Min(source.Length, size - _count);
        if (put == 0) return 0;
        if (_count + put > _ring.Length) Grow(_count + put);
        int end = (_start + _count) % _ring.Length;
        int first = Math.Min(put, _ring.Length - end);
        source[..first].CopyTo(_ring.AsSpan(end));
        source[first..put].CopyTo(_ring);
        _count += put;
        Wake(ref _readable);
        return put;
    }

    // The ring starts small, so that a simulation's thousands of quiet connections cost little.
    private void Grow(int needed)
    {
        byte[] larger = new byte[Math.Min(size, Math.Max(needed, Math.Max(InitialRingSize, _ring.Length * 2)))];
        int first = Math.Min(_count, _ring.Length - _start);
        _ring.AsSpan(_start, first).CopyTo(larger);
        _ring.AsSpan(0, _count - first).CopyTo(larger.AsSpan(first));
        _ring = larger;
        _start = 0;
    }

    private static Task NextChange(ref TaskCompletionSource? waiter) =>
        (waiter ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    private static void Wake(ref TaskCompletionSource? waiter)
    {
        waiter?.TrySetResult();
        waiter = null;
    }

    private static ConnectionException ClosedHere() =>
        new(ConnectionError.Closed, ConnectionStep.Connection, Fault.Local, "The connection was closed on this side.");

    private static ConnectionException Lost() =>
        new(ConnectionError.ConnectionLost, ConnectionStep.Connection, Fault.Network, "The connection was lost: reset by the other side.");
}
