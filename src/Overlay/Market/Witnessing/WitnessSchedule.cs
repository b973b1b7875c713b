using Overlay.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Market.Witnessing;

/// <summary>A provider to look at.</summary>
internal sealed record Watched(PublicKey Key, PeerId Peer, IReadOnlyList<Multiaddr> Addresses);

/// <summary>Which providers are still to be looked at in this epoch, each at its moment. No clock; not safe on several threads.</summary>
internal sealed class WitnessSchedule(PeerId self, int capacity, TimeSpan spread)
{
    private readonly Dictionary<PublicKey, (Watched Provider, DateTimeOffset At)> _waiting = [];
    private readonly HashSet<PublicKey> _taken = [];
    private ulong _epoch;

    /// <summary>Providers of this epoch, looked at or not.</summary>
    internal int Count => _taken.Count + _waiting.Count;

    /// <summary>Adds a provider unless it is there, or there are too many; whom it leaves out is left to the other witnesses.</summary>
    internal void Add(Watched provider, DateTimeOffset now)
    {
        Turn(now);
        if (provider.Peer == self || _taken.Contains(provider.Key)) return;
        if (_waiting.TryGetValue(provider.Key, out (Watched Provider, DateTimeOffset At) waiting)) _waiting[provider.Key] = (provider, waiting.At);
        else if (Count < capacity) _waiting[provider.Key] = (provider, WitnessDuty.MomentOf(self, provider.Key, _epoch, spread));
    }

    /// <summary>Puts a provider that was taken back, for a later moment of the same epoch.</summary>
    internal void Again(Watched provider, DateTimeOffset at, DateTimeOffset now)
    {
        Turn(now);
        if (_taken.Remove(provider.Key)) _waiting[provider.Key] = (provider, at);
    }

    /// <summary>The next provider whose moment has come; null when there is none now.</summary>
    internal Watched? TakeDue(DateTimeOffset now)
    {
        Turn(now);
        (Watched Provider, DateTimeOffset At)[] due = [.. _waiting.Values.Where(waiting => waiting.At <= now).OrderBy(waiting => waiting.At).Take(1)];
        if (due.Length == 0) return null;
        _waiting.Remove(due[0].Provider.Key);
        _taken.Add(due[0].Provider.Key);
        return due[0].Provider;
    }

    private void Turn(DateTimeOffset now)
    {
        ulong epoch = WitnessDuty.EpochOf(now);
        if (epoch == _epoch) return;
        _epoch = epoch;
        _waiting.Clear();
        _taken.Clear();
    }
}
