using System.Net;
using System.Net.Sockets;
using Overlay.Proofs;
using Overlay.Sessions;

namespace Overlay.Sharing;

/// <summary>Keeps consumers from using the exit to look for open doors or to flood a target. No clock of its own; safe on several threads.</summary>
/// <remarks>
/// Each consumer has a purse of points that fills up evenly. A target costs one point when it is new and <see cref="TargetLimits.FailureWeight"/> more when
/// nothing comes of it. Whoever empties the
/// purse, or tries too many ports of one address, is refused for a while. What is counted is each address as it is dialled, whatever else the name has. Both
/// tables have a limit.
/// </remarks>
internal sealed class TargetGuard(TargetLimits limits)
{
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<PublicKey, Consumer> _consumers = [];
    private readonly Dictionary<IPAddress, int> _open = [];

    /// <summary>Told when a consumer is refused from now on.</summary>
    internal Action<PublicKey>? Paused { get; set; }

    /// <summary>How many consumers are remembered.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _consumers.Count;
        }
    }

    /// <summary>Counts a connection that a consumer asks for, until the place is disposed of.</summary>
    /// <param name="key">The consumer.</param>
    /// <param name="now">Time since any fixed moment.</param>
    /// <exception cref="ConnectRefusedException">The consumer is being refused, or has as many as it may.</exception>
    internal Place Enter(PublicKey key, TimeSpan now)
    {
        lock (_lock)
        {
            if (!_consumers.TryGetValue(key, out Consumer? consumer))
            {
                if (_consumers.Count >= limits.MaxConsumers && !TryMakeRoom(now))
                    throw new ConnectRefusedException(ConnectCode.Capacity, "The exit serves as many consumers as it can keep an eye on.");
                _consumers.Add(key, consumer = new Consumer { Points = new Purse(limits.NewTargetsPerMinute, now) });
            }

            consumer.UsedAt = now;
            if (consumer.PausedUntil > now) throw PausedError(consumer);
            if (consumer.Open >= limits.MaxConnectionsPerConsumer)
                throw new ConnectRefusedException(ConnectCode.Capacity, "The consumer has as many connections as it may.");
            // Without this, a few silent targets of one consumer would take all dials there are.
            if (consumer.Pending >= limits.MaxPendingPerConsumer)
                throw new ConnectRefusedException(ConnectCode.Capacity, "The consumer waits for as many connections as it may.");
            consumer.Open++;
            consumer.Pending++;
            return new Place(this, key);
        }
    }

    private void Aim(Place place, IPAddress address, int port, TimeSpan now)
    {
        bool paused = false;
        try
        {
            lock (_lock)
            {
                Consumer consumer = _consumers[place.Key];
                if (consumer.PausedUntil > now) throw PausedError(consumer);
                // The next address of the name may have room.
                int open = _open.GetValueOrDefault(address);
                if (open >= limits.MaxConnectionsPerAddress) throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
                if (consumer.Targets.TryGetValue((address, port), out Target? target))
                {
                    target.UsedAt = now;
                    if (!target.Rate.TryTake(1, limits.ConnectionsPerMinuteToOneTarget, now))
                        throw new ConnectRefusedException(ConnectCode.Policy, "The consumer connects to the target too often.") { CountsForNothing = true };
                }
                else
                {
                    paused = IsTooMuch(consumer, address, now) || !consumer.Points.TryTake(1, limits.NewTargetsPerMinute, now);
                    if (paused)
                    {
                        Pause(consumer, now);
                        throw PausedError(consumer);
                    }

                    Remember(consumer, (address, port), now);
                }

                _open[address] = open + 1;
                place.Addresses.Add(address);
            }
        }
        finally
        {
            if (paused) Paused?.Invoke(place.Key);
        }
    }

    private void Settle(Place place, IPAddress connected)
    {
        lock (_lock)
        {
            _consumers[place.Key].Pending--;
            place.IsPending = false;
            place.Addresses.Remove(connected);
            Release(place.Addresses);
            place.Addresses.Clear();
            place.Addresses.Add(connected);
        }
    }

    private void Fail(Place place, TimeSpan now)
    {
        lock (_lock)
        {
            Consumer consumer = _consumers[place.Key];
            if (consumer.PausedUntil > now || consumer.Points.TryTake(limits.FailureWeight, limits.NewTargetsPerMinute, now)) return;
            Pause(consumer, now);
        }

        Paused?.Invoke(place.Key);
    }

    private void Leave(Place place)
    {
        lock (_lock)
        {
            Consumer consumer = _consumers[place.Key];
            consumer.Open--;
            if (place.IsPending) consumer.Pending--;
            Release(place.Addresses);
        }
    }

    private void Release(List<IPAddress> addresses)
    {
        foreach (IPAddress address in addresses)
            if (--_open[address] == 0) _open.Remove(address);
    }

    private bool IsTooMuch(Consumer consumer, IPAddress address, TimeSpan now)
    {
        int ports = 0;
        foreach (((IPAddress Address, int) key, Target target) in consumer.Targets)
            if (key.Address.Equals(address) && now - target.UsedAt < s_window) ports++;
        return ports >= limits.MaxPortsPerAddress;
    }

    private void Remember(Consumer consumer, (IPAddress, int) key, TimeSpan now)
    {
        if (consumer.Targets.Count >= limits.MaxTargetsPerConsumer) consumer.Targets.Remove(consumer.Targets.MinBy(target => target.Value.UsedAt).Key);
        var target = new Target { UsedAt = now, Rate = new Purse(limits.ConnectionsPerMinuteToOneTarget, now) };
        target.Rate.TryTake(1, limits.ConnectionsPerMinuteToOneTarget, now);
        consumer.Targets.Add(key, target);
    }

    // Behind the pause the consumer begins anew.
    private void Pause(Consumer consumer, TimeSpan now)
    {
        consumer.PausedUntil = now + limits.Pause;
        consumer.IsPauseTold = false;
        consumer.Points = new Purse(limits.NewTargetsPerMinute, consumer.PausedUntil);
    }

    private bool TryMakeRoom(TimeSpan now)
    {
        // A pause is served to its end where there is another way: forgetting it ends it. But keys cost nothing, and a table full of paused ones must not
        // keep everybody else out.
        PublicKey? found = null;
        (bool IsPaused, TimeSpan Since) best = (true, TimeSpan.MaxValue);
        foreach ((PublicKey key, Consumer consumer) in _consumers)
        {
            if (consumer.Open > 0) continue;
            (bool IsPaused, TimeSpan Since) rank = consumer.PausedUntil > now ? (true, consumer.PausedUntil) : (false, consumer.UsedAt);
            if (rank.CompareTo(best) >= 0) continue;
            found = key;
            best = rank;
        }

        return found is { } one && _consumers.Remove(one);
    }

    private static ConnectRefusedException PausedError(Consumer consumer)
    {
        bool isRepeated = consumer.IsPauseTold;
        consumer.IsPauseTold = true;
        return new(ConnectCode.Policy, "The exit takes no connections from this consumer for a while: what it asked for looked like a search for open doors.")
        {
            CountsForNothing = true,
            IsRepeated = isRepeated,
        };
    }

    /// <summary>A connection's place in the counts.</summary>
    internal sealed class Place(TargetGuard guard, PublicKey key) : IDisposable
    {
        private int _disposed;

        internal PublicKey Key => key;

        /// <summary>The addresses under which it is counted. The guard's, under its lock.</summary>
        internal List<IPAddress> Addresses { get; } = new(1);

        /// <summary>Whether it is still to become a connection. The guard's, under its lock.</summary>
        internal bool IsPending { get; set; } = true;

        /// <summary>Counts an address that is about to be dialled.</summary>
        /// <exception cref="ConnectRefusedException">It is one too many of the consumer's; no other is to be tried.</exception>
        /// <exception cref="SocketException">The address has no room (<see cref="SocketError.NoBufferSpaceAvailable"/>).</exception>
        internal void Aim(IPAddress address, int port, TimeSpan now) => guard.Aim(this, address, port, now);

        /// <summary>Lets go of all addresses but the one that it is connected to.</summary>
        internal void Settle(IPAddress connected) => guard.Settle(this, connected);

        /// <summary>Nothing came of it.</summary>
        internal void Fail(TimeSpan now) => guard.Fail(this, now);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0) guard.Leave(this);
        }
    }

    private sealed class Consumer
    {
        internal Purse Points;

        internal int Open { get; set; }

        internal int Pending { get; set; }

        internal TimeSpan PausedUntil { get; set; } = TimeSpan.MinValue;

        internal bool IsPauseTold { get; set; }

        internal TimeSpan UsedAt { get; set; }

        internal Dictionary<(IPAddress Address, int Port), Target> Targets { get; } = [];
    }

    private sealed class Target
    {
        internal Purse Rate;

        internal TimeSpan UsedAt { get; set; }
    }

    /// <summary>Points that fill up within a minute.</summary>
    private struct Purse(double points, TimeSpan at)
    {
        private double _points = points;
        private TimeSpan _at = at;

        internal bool TryTake(double count, int capacity, TimeSpan now)
        {
            if (now > _at)
            {
                _points = Math.Min(capacity, _points + ((now - _at) / s_window * capacity));
                _at = now;
            }

            if (_points < count) return false;
            _points -= count;
            return true;
        }
    }
}
