using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Overlay.Sessions.Metering;
using Overlay.Transport.Tcp;

namespace Overlay.Sessions;

/// <summary>Carries bytes between a socket and a pair of pipes until both directions are over.</summary>
/// <remarks>
/// Nothing is copied on the way: the socket receives straight into the pipe's memory and sends straight from the pipe's segments, many at once. A waiting
/// direction holds no memory. The two loops are owned by <see cref="RelayAsync"/>, which awaits both.
/// </remarks>
internal static class SocketPump
{
    // What one send takes at most; a longer list only delays the first bytes.
    private const int MaxSegmentCount = 16;

    // What is asked for at once: what one read may take. Without a cap a larger wish would be given whole, and all that a quota has reserved with it.
    private const int MaxTaken = 2 * CreditGate.FrameSize;

    /// <summary>Pumps both ways without asking anybody.</summary>
    /// <inheritdoc cref="RelayAsync"/>
    internal static Task RunAsync(TcpSocket socket, IDuplexPipe remote, CancellationToken cancellationToken) => RelayAsync(socket, remote, null, cancellationToken);

    /// <summary>Pumps both ways; half-close of one side becomes half-close of the other, an error resets both.</summary>
    /// <param name="socket">Connected. Its owner disposes of it afterwards; after an error it has been closed with a reset.</param>
    /// <param name="remote">The other side. Both its ends are completed when the task ends, with the error if there was one.</param>
    /// <param name="pass">Asked for leave before any byte is received from the socket or sent to it; null for none. Disposed of when the task ends: before an
    /// error resets the socket, while what it has carried can still be read.</param>
    /// <param name="cancellationToken">Resets both sides.</param>
    /// <returns>A task that ends, not faulted by anything the two sides do, when both directions are over.</returns>
    internal static async Task RelayAsync(TcpSocket socket, IDuplexPipe remote, IRelayPass? pass, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Says only that a synchronous send of what is at hand never waits.
        socket.Socket.Blocking = false;
        Task<Exception?> outward = ToPipeAsync(socket, remote.Output, pass, stop);
        Task<Exception?> inward = ToSocketAsync(remote.Input, socket, pass, stop);
        Exception? error = await outward.ConfigureAwait(false) ?? await inward.ConfigureAwait(false);
        await inward.ConfigureAwait(false);
        pass?.Dispose();
        if (error is not null) Reset(socket);
    }

    private static async Task<Exception?> ToPipeAsync(TcpSocket socket, PipeWriter output, IRelayPass? pass, CancellationTokenSource stop)
    {
        try
        {
            bool hasMore = false;
            while (true)
            {
                // Whoever has to ask waits first, to know for how much.
                if (!hasMore || pass is { IsFree: false }) await socket.WaitForDataAsync(stop.Token).ConfigureAwait(false);
                // Before anything is received: what may not be relayed stays with the system, and so in time with its sender.
                int period = pass?.Period ?? 0;
                int taken = pass is null or { IsFree: true }
                    ? 0 : await pass.TakeAsync(Math.Clamp(socket.Socket.Available, 1, MaxTaken), stop.Token).ConfigureAwait(false);
                int count = 0;
                Memory<byte> memory;
                try
                {
                    memory = output.GetMemory();
                    if (taken > 0 && taken < memory.Length) memory = memory[..taken];
                    count = await socket.ReceiveAsync(memory, stop.Token).ConfigureAwait(false);
                }
                finally
                {
                    Settle(pass, taken, count, period);
                }

                if (count == 0) break;
                // A receive that filled its memory left more behind: no need to wait first. One that was cut short to what was given says nothing.
                hasMore = taken == 0 && count == memory.Length;
                output.Advance(count);
                FlushResult flushed = await output.FlushAsync(stop.Token).ConfigureAwait(false);
                if (flushed.IsCompleted || flushed.IsCanceled) throw new IOException("The other side takes no more bytes.");
            }

            await output.CompleteAsync().ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (IsEndOfConnection(e))
        {
            return await FailAsync(e, stop, output.CompleteAsync).ConfigureAwait(false);
        }
    }

    private static async Task<Exception?> ToSocketAsync(PipeReader input, TcpSocket socket, IRelayPass? pass, CancellationTokenSource stop)
    {
        List<ArraySegment<byte>>? segments = null;
        try
        {
            while (true)
            {
                ReadResult read = await input.ReadAsync(stop.Token).ConfigureAwait(false);
                if (read.IsCanceled) throw new OperationCanceledException();
                ReadOnlySequence<byte> rest = read.Buffer;
                while (!rest.IsEmpty)
                {
                    int period = pass?.Period ?? 0;
                    int taken = pass is null or { IsFree: true }
                        ? 0 : await pass.TakeAsync((int)Math.Min(rest.Length, MaxTaken), stop.Token).ConfigureAwait(false);
                    ReadOnlySequence<byte> next = taken > 0 ? rest.Slice(0, taken) : rest;
                    int sent = next.IsSingleSegment ? 0 : SendSegments(socket.Socket, next, segments ??= new(MaxSegmentCount));
                    if (sent == 0) sent = await socket.SendAsync(FirstOf(next), stop.Token).ConfigureAwait(false);
                    // Not where it fails: a part may have left, and what counts too much is on the owner's side.
                    Settle(pass, taken, sent, period);
                    rest = rest.Slice(sent);
                }

                input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) break;
            }

            socket.Socket.Shutdown(SocketShutdown.Send);
            await input.CompleteAsync().ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (IsEndOfConnection(e))
        {
            return await FailAsync(e, stop, input.CompleteAsync).ConfigureAwait(false);
        }
    }

    // What was relayed beside what was asked for: nothing where nobody had to ask.
    private static void Settle(IRelayPass? pass, int taken, int relayed, int period)
    {
        if (taken == 0) pass?.Passed(relayed);
        else if (taken > relayed) pass!.GiveBack(taken - relayed, period);
    }

    // Sends what the system takes without waiting; 0 when that is nothing, or the memory is not in arrays.
    private static int SendSegments(Socket socket, in ReadOnlySequence<byte> bytes, List<ArraySegment<byte>> segments)
    {
        foreach (ReadOnlyMemory<byte> memory in bytes)
        {
            if (segments.Count == MaxSegmentCount || !MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> segment)) break;
            if (segment.Count > 0) segments.Add(segment);
        }

        int sent = 0;
        SocketError error = SocketError.Success;
        if (segments.Count > 1) sent = socket.Send(segments, SocketFlags.None, out error);
        segments.Clear();
        return error is SocketError.Success or SocketError.WouldBlock ? sent : throw new SocketException((int)error);
    }

    // The first piece that holds anything.
    private static ReadOnlyMemory<byte> FirstOf(in ReadOnlySequence<byte> bytes)
    {
        foreach (ReadOnlyMemory<byte> memory in bytes)
            if (!memory.IsEmpty) return memory;
        return default;
    }

    // Wakes the other direction, then ends this one's pipe with the error.
    private static async ValueTask<Exception> FailAsync(Exception error, CancellationTokenSource stop, Func<Exception?, ValueTask> complete)
    {
        await stop.CancelAsync().ConfigureAwait(false);
        Exception reason = error as IOException ?? new IOException("The relayed connection was ended: " + error.Message, error);
        await complete(reason).ConfigureAwait(false);
        return reason;
    }

    private static bool IsEndOfConnection(Exception e) =>
        e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException;

    private static void Reset(TcpSocket socket)
    {
        try
        {
            socket.Socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already gone: there is nothing left to reset.
        }

        socket.Dispose();
    }
}
