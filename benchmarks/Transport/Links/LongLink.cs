using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Overlay.Benchmarks.Transport.Links;

/// <summary>A long way between two ends on one machine: forwards TCP connections to a port of loopback, each byte late by the link's delay.</summary>
/// <remarks>
/// <para>
/// Two loops a direction: one receives into pooled blocks and stamps each with the time at which it is due, one sends what is due. Between them lies a
/// bounded number of blocks, far more than rate × delay; when they are full the sender is not read from, as with a full queue in front of a bottleneck.
/// </para>
/// <para>
/// A dialler is accepted at once, since the kernel does that; on a real link it would be one round trip later. So that a round trip is not lost to view,
/// the first bytes of a dialler are due no earlier than one round trip and one delay after it was accepted: then everything that follows is as late as
/// behind a real link. Only what a dialler measures of its connect call alone is too short.
/// </para>
/// <para>Depends on nothing else in this project, so that tests can compile this file too.</para>
/// </remarks>
internal sealed class LongLink : IAsyncDisposable
{
    private const int BlockSize = 128 * 1024, BlockCount = 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _target;
    private readonly TimeSpan _delay;
    private readonly double _bytesPerSecond;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    /// <summary>Begins to forward.</summary>
    /// <param name="targetPort">A port on loopback.</param>
    /// <param name="delay">Each way, at least zero.</param>
    /// <param name="bytesPerSecond">Of each direction of each connection; infinity for no limit but the machine's. Up to 128 MiB wait in a direction.</param>
    internal LongLink(int targetPort, TimeSpan delay, double bytesPerSecond = double.PositiveInfinity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesPerSecond);
        _target = new IPEndPoint(IPAddress.Loopback, targetPort);
        _delay = delay;
        _bytesPerSecond = bytesPerSecond;
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Where to dial instead of the target.</summary>
    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Stops; what is on the way is lost.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var forwarding = new List<Task>();
        while (true)
        {
            Socket dialler;
            try
            {
                dialler = await _listener.AcceptSocketAsync(_stopping.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                break;
            }

            long accepted = Stopwatch.GetTimestamp();
            forwarding.RemoveAll(task => task.IsCompletedSuccessfully);
            forwarding.Add(Task.Run(() => ForwardAsync(dialler, accepted)));
        }

        await Task.WhenAll(forwarding);
    }

    private async Task ForwardAsync(Socket dialler, long accepted)
    {
        using var target = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using Socket near = dialler;
        near.NoDelay = true;
        try
        {
            await target.ConnectAsync(_target, _stopping.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return;
        }

        // The handshake's round trip, and the way of the first bytes behind it.
        long firstDue = accepted + Ticks(_delay * 3);
        await Task.WhenAll(CarryAsync(near, target, firstDue), CarryAsync(target, near, 0));
    }

    /// <summary>One direction, from its first byte to its half-close. A broken end breaks the other.</summary>
    private async Task CarryAsync(Socket from, Socket to, long firstDue)
    {
        Channel<Block> way = Channel.CreateBounded<Block>(new BoundedChannelOptions(BlockCount) { SingleReader = true, SingleWriter = true });
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        Task receiving = Task.Run(() => ReceiveAsync(from, way.Writer, firstDue, broken.Token));
        try
        {
            await SendAsync(to, way.Reader, broken.Token);
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException or ChannelClosedException)
        {
            from.Close(0);
            to.Close(0);
        }

        await broken.CancelAsync();
        await receiving;
        while (way.Reader.TryRead(out Block left)) ArrayPool<byte>.Shared.Return(left.Bytes);
    }

    private async Task ReceiveAsync(Socket from, ChannelWriter<Block> way, long firstDue, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        byte[]? bytes = null;
        try
        {
            while (true)
            {
                bytes = ArrayPool<byte>.Shared.Rent(BlockSize);
                int count = await from.ReceiveAsync(bytes.AsMemory(0, BlockSize), cancellationToken);
                if (count == 0) break;
                await way.WriteAsync(new Block(bytes, count, Math.Max(firstDue, Stopwatch.GetTimestamp() + Ticks(_delay))), cancellationToken);
                bytes = null;
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            failure = e;
        }

        if (bytes is not null) ArrayPool<byte>.Shared.Return(bytes);
        way.Complete(failure);
    }

    private async Task SendAsync(Socket to, ChannelReader<Block> way, CancellationToken cancellationToken)
    {
        double free = 0;
        while (await way.WaitToReadAsync(cancellationToken))
        {
            while (way.TryRead(out Block block))
            {
                long due = Math.Max(block.Due, (long)free);
                await WaitUntilAsync(due, cancellationToken);
                for (int sent = 0; sent < block.Count;) sent += await to.SendAsync(block.Bytes.AsMemory(sent, block.Count - sent), cancellationToken);
                ArrayPool<byte>.Shared.Return(block.Bytes);
                if (!double.IsInfinity(_bytesPerSecond)) free = Math.Max(free, block.Due) + (block.Count / _bytesPerSecond * Stopwatch.Frequency);
            }
        }
    }

    private static async ValueTask WaitUntilAsync(long due, CancellationToken cancellationToken)
    {
        TimeSpan left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
        // Timers are as coarse as a millisecond: less than half of one is not worth one.
        if (left > TimeSpan.FromMilliseconds(0.5)) await Task.Delay(left, cancellationToken);
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    /// <summary>Bytes on their way. Owned by the loop that has it.</summary>
    private readonly record struct Block(byte[] Bytes, int Count, long Due);
}
