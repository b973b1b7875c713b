using Overlay.Discovery.Kademlia;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Transport.Identity;

namespace Overlay.Market.Witnessing;

/// <summary>Attestations of the last epochs: of this node, three witnesses' of each epoch, the announced and then the nearest first, and of others, those that
/// this node has made. No clock; safe on several threads.</summary>
internal sealed class AttestationBook(int epochs, int made)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<ulong, List<Kept>> _own = [];
    private readonly Dictionary<(PublicKey Provider, ulong Epoch), Attestation> _made = [];
    private readonly Queue<(PublicKey Provider, ulong Epoch)> _order = new();

    /// <summary>Keeps one about this node, unless three better ones of its epoch are kept, or the epoch is over for too long. Who is announced comes before who
    /// is not, however near: keys can be made until they are near, in secret and at no cost. The newest word of a witness counts.</summary>
    /// <param name="attestation">It.</param>
    /// <param name="place">Where its epoch's witnesses are.</param>
    /// <param name="announced">The witnesses that are announced, as far as is known.</param>
    /// <param name="now">The epoch of now.</param>
    /// <returns>Whether it is kept.</returns>
    internal bool Keep(Attestation attestation, Key place, IReadOnlyCollection<PeerId> announced, ulong now)
    {
        AttestationBody body = attestation.Body;
        lock (_lock)
        {
            Trim(now);
            if (body.Epoch > now || now - body.Epoch >= (ulong)epochs) return false;
            if (!_own.TryGetValue(body.Epoch, out List<Kept>? kept)) _own.Add(body.Epoch, kept = []);
            if (kept.Exists(other => other.Attestation.Body.Witness == body.Witness && other.Attestation.Body.ObservedAt > body.ObservedAt)) return false;
            kept.RemoveAll(other => other.Attestation.Body.Witness == body.Witness);
            kept.Add(new Kept(attestation, WitnessDuty.PeerOf(body.Witness), place));
            // Of one that came before its announcement was heard of, or from the disk, it is known by now.
            foreach (Kept one in kept) one.IsAnnounced |= announced.Contains(one.Witness);
            kept.Sort();
            if (kept.Count > WitnessDuty.WitnessCount) kept.RemoveRange(WitnessDuty.WitnessCount, kept.Count - WitnessDuty.WitnessCount);
            return kept.Exists(other => other.Attestation == attestation);
        }
    }

    /// <summary>Keeps one that this node has made; the oldest goes where there are too many.</summary>
    internal void KeepMade(Attestation attestation)
    {
        (PublicKey, ulong) key = (attestation.Body.Provider, attestation.Body.Epoch);
        lock (_lock)
        {
            if (!_made.ContainsKey(key)) _order.Enqueue(key);
            _made[key] = attestation;
            while (_order.Count > made) _made.Remove(_order.Dequeue());
        }
    }

    /// <summary>What is kept about this node, from an epoch on, ascending.</summary>
    internal IReadOnlyList<Attestation> Find(ulong first, ulong now)
    {
        lock (_lock)
        {
            Trim(now);
            return [.. AttestationAnswer.Ordered(_own.Where(kept => kept.Key >= first).SelectMany(kept => kept.Value).Select(kept => kept.Attestation))];
        }
    }

    /// <summary>What this node has attested of another, from an epoch on, ascending.</summary>
    internal IReadOnlyList<Attestation> FindMade(PublicKey provider, ulong first)
    {
        lock (_lock) return [.. AttestationAnswer.Ordered(_made.Where(kept => kept.Key.Provider == provider && kept.Key.Epoch >= first)
            .Select(kept => kept.Value))];
    }

    private void Trim(ulong now)
    {
        while (_own.Count > 0 && _own.Keys.First() is var oldest && oldest < now && now - oldest >= (ulong)epochs) _own.Remove(oldest);
    }

    private sealed class Kept(Attestation attestation, PeerId witness, Key place) : IComparable<Kept>
    {
        private readonly Distance _distance = Key.Of(witness).DistanceTo(place);

        internal Attestation Attestation => attestation;

        internal PeerId Witness => witness;

        internal bool IsAnnounced { get; set; }

        public int CompareTo(Kept? other) =>
            IsAnnounced == other!.IsAnnounced ? _distance.CompareTo(other._distance) : IsAnnounced ? -1 : 1;
    }
}
