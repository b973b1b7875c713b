using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>What the peer may still send on a stream, and when it gets more. Credit goes back when the application has consumed, not on arrival.</summary>
/// <remarks>
/// The size follows bandwidth × delay: when half a window was consumed within two round trips, the window was shorter than four times what the path
/// holds and is doubled; the idea is the one of go-yamux and rust-yamux. Not so when much of it lies here unread: then the application is what the peer waits
/// for, and a longer window would only be a longer queue. When two halves in a row took sixteen round trips or more, it is many times longer than
/// the path needs, or the application is the slow part: then it is halved by holding credit back, and the memory goes to others. Guarded by the session's gate.
/// </remarks>
internal sealed class ReceiveWindow(int maxSize, ConnectionMemory memory, TimeSpan now)
{
    private const int FastRoundTrips = 2;
    private const int SlowRoundTrips = 16;
    private const int MaxGrowthFactor = 8;

    // An update costs a message of its own, so that half a short window is awaited; of a long one an eighth, or its sender stands still while half of it is on the way.
    private const int LongUpdate = 1024 * 1024;
    private const int LongShare = 8;

    private uint _remaining = YamuxOptions.InitialWindow;
    private int _owed;
    private int _reserved;
    private int _consumed;
    private int _excess;
    private bool _wasSlow;
    private TimeSpan _lastJudged = now;

    /// <summary>Bytes that may be on the way or unconsumed at once.</summary>
    internal int Size { get; private set; } = YamuxOptions.InitialWindow;

    /// <summary>Bytes that the peer has announced and nobody has consumed, arrived or not.</summary>
    internal long Unread => Size - _remaining - _owed;

    /// <summary>Credit that the next update gives.</summary>
    internal int Owed => _owed;

    private int UpdateSize => Math.Max(Math.Min(Size / 2, LongUpdate), Size / LongShare);

    /// <summary>Bytes that the peer may send before it has to wait.</summary>
    internal uint Remaining => _remaining;

    /// <summary>Takes note that the peer announced <paramref name="size"/> bytes of data.</summary>
    /// <returns>False when the peer had no credit for that.</returns>
    internal bool TryReceive(uint size)
    {
        if (size > _remaining) return false;
        _remaining -= size;
        return true;
    }

    /// <summary>Takes note that the application is done with <paramref name="size"/> bytes.</summary>
    /// <returns>Whether an update is worth sending.</returns>
    internal bool Consume(int size)
    {
        _owed += size;
        _consumed += size;
        return _owed >= UpdateSize;
    }

    /// <summary>The delta of an update that is about to be sent.</summary>
    /// <param name="now">Time of this update.</param>
    /// <param name="roundTrip">Shortest round-trip time of late; zero while unknown, and then nothing grows.</param>
    internal uint TakeUpdate(TimeSpan now, TimeSpan roundTrip)
    {
        if (_consumed >= Size / 2)
        {
            TimeSpan took = now - _lastJudged;
            bool isSlow = took >= SlowRoundTrips * roundTrip;
            if (took < FastRoundTrips * roundTrip && Unread <= Size / 4) GrowFor(took, roundTrip);
            else if (isSlow && _wasSlow) _excess = Math.Min(Size / 2, _reserved);
            _wasSlow = isSlow;
            _lastJudged = now;
            _consumed = 0;
        }

        Shrink();
        uint delta = (uint)_owed;
        _owed = 0;
        _remaining += delta;
        return delta;
    }

    /// <summary>Makes the window twice as long, or half as long again where the limits leave less; the growth goes out with the next update.</summary>
    /// <returns>False when the limits leave less than that, too.</returns>
    internal bool TryGrow() => TryGrowBy(Size) || TryGrowBy(Size / 2);

    private bool TryGrowBy(long wanted)
    {
        int growth = (int)Math.Min(wanted, maxSize - Size);
        if (growth <= 0 || !memory.TryPromise(growth)) return false;
        _reserved += growth;
        Size += growth;
        _owed += growth;
        _excess = 0;
        return true;
    }

    // Room for twice what the path holds at the rate seen, in one step where the window is far too short: at 60 ms each doubling would cost a round trip.
    private void GrowFor(TimeSpan took, TimeSpan roundTrip)
    {
        double wanted = took > TimeSpan.Zero ? 2.0 * _consumed * (roundTrip / took) : double.MaxValue;
        if (wanted < MaxGrowthFactor * (double)Size || !TryGrowBy((MaxGrowthFactor - 1) * (long)Size)) TryGrow();
    }

    // Not paying back what is owed is what makes the window smaller.
    private void Shrink()
    {
        int cut = Math.Min(_excess, Math.Min(_owed, _reserved));
        if (cut == 0) return;
        Size -= cut;
        _owed -= cut;
        _reserved -= cut;
        _excess -= cut;
        memory.Withdraw(cut);
    }

    /// <summary>Takes the promise of growth back. Idempotent.</summary>
    internal void Close()
    {
        if (_reserved == 0) return;
        memory.Withdraw(_reserved);
        _reserved = 0;
        maxSize = 0;
    }
}
