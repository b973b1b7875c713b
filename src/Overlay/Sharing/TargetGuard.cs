using System.Net;
using Overlay.Proofs;
using Overlay.Sessions;

namespace Overlay.Sharing;

/// <summary>Keeps consumers from using the exit to look for open doors or to flood a target. No clock of its own; safe on several threads.</summary>
/// <remarks>
/// Each consumer has a purse of points that fills up evenly. A target costs one point when it is new and <see cref="TargetLimits.FailureWeight"/> more when
/// nothing comes of it. Whoever empties the
/// purse, or tries too many ports of one address, is refused for a while. Both tables have a limit.
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
            if (consumer.PausedUntil > now) throw PausedError();
            if (consumer.Open >= limits.MaxConnectionsPerConsumer)
                throw new ConnectRefusedException(ConnectCode.Capacity, "The consumer has as many connections as it may.");
            consumer.Open++;
            return new Place(this, key);
        }
    }

    private IPAddress[] Aim(Place place, IPAddress[] addresses, int port, TimeSpan now)
    {
        bool paused = false;
        try
        {
            lock (_lock)
            {
                Consumer consumer = _consumers[place.Key];
                if (consumer.PausedUntil > now) throw PausedError();
                IPAddress[] free = [.. addresses.Where(address => _open.GetValueOrDefault(address) < limits.MaxConnectionsPerAddress)];
                if (free.Length == 0) throw new ConnectRefusedException(ConnectCode.Capacity, "The exit has as many connections to the target as it may.");
                (IPAddress, int) key = (free[0], port);
                if (consumer.Targets.TryGetValue(key, out Target? target))
                {
                    target.UsedAt = now;
                    if (!target.Rate.TryTake(1, limits.ConnectionsPerMinuteToOneTarget, now))
                        throw new ConnectRefusedException(ConnectCode.Policy, "The consumer connects to the target too often.");
                }
                else
                {
                    paused = IsTooMuch(consumer, free[0], now) || !consumer.Points.TryTake(1, limits.NewTargetsPerMinute, now);
                    if (paused) throw Pause(consumer, now);
                    Remember(consumer, key, now);
                }

                _open[free[0]] = _open.GetValueOrDefault(free[0]) + 1;
                place.Address = free[0];
                return free;
            }
        }
        finally
        {
            if (paused) Paused?.Invoke(place.Key);
        }
    }

    private void Fail(Place place, TimeSpan now)
    {
        lock (_lock)
        {
            Consumer consumer = _consumers[place.Key];
            if (consumer.PausedUntil > now || consumer.Points.TryTake(limits.FailureWeight, limits.NewTargetsPerMinute, now)) return;
            _ = Pause(consumer, now);
        }

        Paused?.Invoke(place.Key);
    }

    private void Leave(Place place)
    {
        lock (_lock)
        {
            _consumers[place.Key].Open--;
            if (place.Address is not { } address) return;
            if (--_open[address] == 0) _open.Remove(address);
        }
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
    private ConnectRefusedException Pause(Consumer consumer, TimeSpan now)
    {
        consumer.PausedUntil = now + limits.Pause;
        consumer.Points = new Purse(limits.NewTargetsPerMinute, consumer.PausedUntil);
        return PausedError();
    }

    private bool TryMakeRoom(TimeSpan now)
    {
        PublicKey? oldest = null;
        TimeSpan usedAt = TimeSpan.MaxValue;
        foreach ((PublicKey key, Consumer consumer) in _consumers)
        {
            // A pause is served to its end: forgetting it would end it.
            if (consumer.Open > 0 || consumer.PausedUntil > now || consumer.UsedAt >= usedAt) continue;
            oldest = key;
            usedAt = consumer.UsedAt;
        }

        return oldest is { } found && _consumers.Remove(found);
    }

    private static ConnectRefusedException PausedError() =>
        new(ConnectCode.Policy, "The exit takes no connections from this consumer for a while: what it asked for looked like a search for open doors.");

    /// <summary>A connection's place in the counts.</summary>
    internal sealed class Place(TargetGuard guard, PublicKey key) : IDisposable
    {
        private int _disposed;

        internal PublicKey Key => key;

        /// <summary>The address under which it is counted; null before it has a target.</summary>
        internal IPAddress? Address { get; set; }

        /// <summary>Counts the target, once.</summary>
        /// <returns>The addresses that may be dialled.</returns>
        /// <exception cref="ConnectRefusedException">It is one too many.</exception>
        internal IPAddress[] Aim(IPAddress[] addresses, int port, TimeSpan now) => guard.Aim(this, addresses, port, now);

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

        internal TimeSpan PausedUntil { get; set; } = TimeSpan.MinValue;

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
