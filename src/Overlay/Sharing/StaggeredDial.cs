using System.Net;
using System.Net.Sockets;

namespace Overlay.Sharing;

/// <summary>Dials several addresses of one target, one after the other but without waiting for the slow ones (RFC 8305, section 5).</summary>
internal static class StaggeredDial
{
    /// <summary>IPv6 and IPv4 in turns, IPv6 first, each family in the given order (RFC 8305, section 4); at most <paramref name="maxCount"/>.</summary>
    public static List<IPAddress> Order(IEnumerable<IPAddress> addresses, int maxCount)
    {
        var v6 = new Queue<IPAddress>();
        var v4 = new Queue<IPAddress>();
        foreach (IPAddress address in addresses.Distinct()) (address.AddressFamily == AddressFamily.InterNetworkV6 ? v6 : v4).Enqueue(address);
        var ordered = new List<IPAddress>(Math.Min(maxCount, v6.Count + v4.Count));
        while (ordered.Count < maxCount && v6.Count + v4.Count > 0)
        {
            if (v6.TryDequeue(out IPAddress? six)) ordered.Add(six);
            if (ordered.Count < maxCount && v4.TryDequeue(out IPAddress? four)) ordered.Add(four);
        }

        return ordered;
    }

    /// <summary>Connects to the first that answers. Attempts that lost have ended, and their sockets are closed, when this returns or throws.</summary>
    /// <param name="dialer">Makes the attempts.</param>
    /// <param name="targets">At least one, in order of preference.</param>
    /// <param name="delay">How long an attempt has to itself before the next one joins it. One that fails gives way at once.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends all attempts.</param>
    /// <exception cref="SocketException">All failed; this is the most telling failure.</exception>
    public static async Task<Socket> ConnectAsync(
        IAddressDialer dialer, IReadOnlyList<IPEndPoint> targets, TimeSpan delay, TimeProvider time, CancellationToken cancellationToken)
    {
        // Most targets are one address: with nobody to race against, there is nothing to keep track of.
        if (targets.Count == 1) return await ConnectAsync(dialer, targets[0], cancellationToken).ConfigureAwait(false);
        using var attempts = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task<Socket>>(targets.Count);
        SocketException? failure = null;
        int next = 0;
        try
        {
            while (true)
            {
                if (next < targets.Count) running.Add(dialer.ConnectAsync(targets[next++], attempts.Token).AsTask());
                Task<Socket>? ended = await WaitForOneAsync(running, next < targets.Count ? delay : Timeout.InfiniteTimeSpan, time, attempts.Token).ConfigureAwait(false);
                if (ended is null) continue;
                running.Remove(ended);
                try
                {
                    return await ended.ConfigureAwait(false);
                }
                catch (SocketException error)
                {
                    if (failure is null || Rank(error) > Rank(failure)) failure = error;
                    if (next == targets.Count && running.Count == 0) throw failure;
                }
            }
        }
        finally
        {
            await attempts.CancelAsync().ConfigureAwait(false);
            foreach (Task<Socket> attempt in running) await CloseAsync(attempt).ConfigureAwait(false);
        }
    }

    private static async Task<Socket> ConnectAsync(IAddressDialer dialer, IPEndPoint target, CancellationToken cancellationToken)
    {
        Socket socket = await dialer.ConnectAsync(target, cancellationToken).ConfigureAwait(false);
        if (!cancellationToken.IsCancellationRequested) return socket;
        // Connected at the moment in which nobody waited for it any more.
        socket.Dispose();
        throw new OperationCanceledException(cancellationToken);
    }

    // The attempt that ended first, or null when the delay did.
    private static async Task<Task<Socket>?> WaitForOneAsync(List<Task<Socket>> running, TimeSpan delay, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task pause = Task.Delay(delay, time, timer.Token);
        Task first = await Task.WhenAny([.. running, pause]).ConfigureAwait(false);
        await timer.CancelAsync().ConfigureAwait(false);
        await pause.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return first as Task<Socket>;
    }

    private static async Task CloseAsync(Task<Socket> attempt)
    {
        await ((Task)attempt).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (attempt.IsCompletedSuccessfully) (await attempt.ConfigureAwait(false)).Dispose();
    }

    // An answer from the target tells more than one from a router, and that more than silence or a missing route of our own.
    private static int Rank(SocketException error) => error.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => 4,
        SocketError.HostUnreachable => 3,
        SocketError.TimedOut => 2,
        SocketError.NetworkUnreachable => 1,
        _ => 0,
    };
}
