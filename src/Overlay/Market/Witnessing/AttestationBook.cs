using Overlay.Discovery.Kademlia;
using Overlay.Proofs;
using Overlay.Proofs.Claims;

namespace Overlay.Market.Witnessing;

/// <summary>Attestations of the last epochs: of this node, the three nearest witnesses' of each epoch, and of others, those that this node has made. No
/// clock; safe on several threads.</summary>
internal sealed class AttestationBook(int epochs, int made)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<ulong, List<(Attestation Attestation, Distance Distance)>> _own = [];
    private readonly Dictionary<(PublicKey Provider, ulong Epoch), Attestation> _made = [];
    private readonly Queue<(PublicKey Provider, ulong Epoch)> _order = new();

    /// <summary>Keeps one about this node, unless three nearer ones of its epoch are kept, or the epoch is over for too long. The newest word of a witness
    /// counts.</summary>
    /// <returns>Whether it is kept.</returns>
    internal bool Keep(Attestation attestation, Key place, ulong now)
    {
        AttestationBody body = attestation.Body;
        lock (_lock)
        {
            Trim(now);
            if (body.Epoch > now || now - body.Epoch >= (ulong)epochs) return false;
            if (!_own.TryGetValue(body.Epoch, out List<(Attestation Attestation, Distance Distance)>? kept)) _own.Add(body.Epoch, kept = []);
            if (kept.Exists(other => other.Attestation.Body.Witness == body.Witness && other.Attestation.Body.ObservedAt > body.ObservedAt)) return false;
            kept.RemoveAll(other => other.Attestation.Body.Witness == body.Witness);
            kept.Add((attestation, Key.Of(WitnessDuty.PeerOf(body.Witness)).DistanceTo(place)));
            kept.Sort((one, other) => one.Distance.CompareTo(other.Distance));
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
}
