using Overlay.Transport.Tcp;

namespace Overlay.Sharing.Limits;

/// <summary>Sets what the line has carried beside what the node's own sockets have, from one look to the next. One thread at a time.</summary>
internal sealed class LineSampler(ILineCounters line, SocketTraffic traffic, TimeProvider time)
{
    // Of what sockets carry: the rest are headers, encryption and acknowledgements.
    private const double PayloadShare = 0.92;

    private (long At, ulong Sent, ulong Received, ulong? AllSent, ulong? AllReceived)? _last;

    /// <summary>Whether the next look is the first after a rest.</summary>
    internal bool IsFirst => _last is null;

    /// <summary>Nothing is compared with what was before.</summary>
    internal void Rest() => _last = null;

    /// <summary>Looks.</summary>
    /// <param name="now">The timestamp.</param>
    /// <param name="relayed">Bytes relayed since the last look.</param>
    /// <param name="surroundings">The host's.</param>
    /// <returns>What was seen, and what was served in that time.</returns>
    internal (YieldSample Sample, long Served) Take(long now, long relayed, ILineSurroundings surroundings)
    {
        SocketReading own = traffic.Read();
        (ulong Sent, ulong Received)? all = line.Read();
        // Where the system does not count sockets, what was relayed has to do.
        (ulong sent, ulong received) = SocketTraffic.IsSupported || _last is not { } since
            ? (own.Sent, own.Received) : (since.Sent + (ulong)relayed, since.Received + (ulong)relayed);
        (long At, ulong Sent, ulong Received, ulong? AllSent, ulong? AllReceived) before = _last ?? (now, sent, received, all?.Sent, all?.Received);
        _last = (now, sent, received, all?.Sent, all?.Received);
        var sample = new YieldSample
        {
            Elapsed = time.GetElapsedTime(before.At, now),
            OwnSent = new ByteSize(sent - before.Sent),
            OwnReceived = new ByteSize(received - before.Received),
            AllSent = Since(all?.Sent, before.AllSent),
            AllReceived = Since(all?.Received, before.AllReceived),
            AddedLatency = own.AddedLatency,
            IsOnBattery = surroundings.IsOnBattery,
            IsMetered = surroundings.IsMetered,
        };
        // What was relayed stands in buffers for a while; what has left is what the line can carry.
        ulong carried = Math.Max(sent - before.Sent, received - before.Received);
        return (sample, SocketTraffic.IsSupported && carried > 0 ? (long)(carried * PayloadShare) : relayed);
    }

    private static ByteSize? Since(ulong? now, ulong? before) => now is { } n && before is { } b && n >= b ? new ByteSize(n - b) : null;
}
