using Overlay.Discovery.Kademlia.Tables;

namespace Overlay.Discovery.Kademlia.Lookups;

/// <summary>Reads a value: the best of those that a quorum of peers gives; then those that had a worse one or none are given the best (entry
/// correction).</summary>
internal sealed class GetValueOperation(ReadOnlyMemory<byte> key, int quorum, TimeSpan deadline) : Operation(key, deadline)
{
    private readonly List<Contact> _holders = [];
    private readonly List<Contact> _outdated = [];
    private int _answers;

    /// <summary>The best valid value found, or null.</summary>
    internal KademliaRecord? Best { get; private set; }

    internal override bool AsksForContent => true;

    internal override bool IsSatisfied => _answers >= quorum;

    internal override KademliaMessage Request => new(KademliaMessageType.GetValue, RequestKey);

    /// <summary>Takes the value that this node holds itself, which counts as one answer.</summary>
    internal void TakeOwn(KademliaRecord record)
    {
        Best = record;
        _answers++;
    }

    internal override Misdeed? Take(Contact from, KademliaMessage answer, KademliaNode node)
    {
        if (answer.Record is not { } record) return null;
        if (!record.Key.Span.SequenceEqual(RequestKey.Span)) return Misdeed.UnaskedKey;
        if (!node.Rules.IsValid(record)) return Misdeed.InvalidRecord;
        _answers++;
        if (Best is null || node.Rules.IsBetter(RequestKey.Span, Best.Value.Span, record.Value.Span))
        {
            _outdated.AddRange(_holders);
            _holders.Clear();
            Best = record;
            _holders.Add(from);
        }
        else if (Best.Value.Span.SequenceEqual(record.Value.Span)) _holders.Add(from);
        else _outdated.Add(from);
        return null;
    }

    /// <summary>Who is to be given the best value: peers with a worse one, and the nearest that have none.</summary>
    internal IReadOnlyList<Contact> ToCorrect(int count)
    {
        if (Best is null) return [];
        HashSet<Key> holders = [.. _holders.Select(holder => holder.Key)];
        return [.. _outdated.Concat(Closest.Select(peer => peer.Contact)).Where(peer => holders.Add(peer.Key)).Take(2 * count)];
    }
}

/// <summary>Stores a value on the peers nearest to its key.</summary>
internal sealed class PutValueOperation(KademliaRecord record, TimeSpan deadline) : Operation(record.Key, deadline)
{
    /// <summary>Peers that have taken it.</summary>
    internal int StoredCount { get; private set; }

    internal override IEnumerable<(Contact Peer, KademliaMessage Message)> Stores(KademliaNode node)
    {
        var message = new KademliaMessage(KademliaMessageType.PutValue, RequestKey) { Record = record };
        return KademliaNode.StoreTargets(this).Select(peer => (peer, message));
    }

    internal override void Stored(Contact peer, KademliaMessage? answer)
    {
        // A peer that took it echoes it.
        if (answer?.Record is { } echoed && echoed.Value.Span.SequenceEqual(record.Value.Span)) StoredCount++;
    }
}

/// <summary>Gives peers a value without looking for them: entry correction.</summary>
internal sealed class CorrectOperation(KademliaRecord record, IReadOnlyList<Contact> peers, TimeSpan deadline) : Operation(record.Key, deadline)
{
    internal override bool IsSatisfied => true;

    internal override IEnumerable<(Contact Peer, KademliaMessage Message)> Stores(KademliaNode node)
    {
        var message = new KademliaMessage(KademliaMessageType.PutValue, RequestKey) { Record = record };
        return peers.Select(peer => (peer, message));
    }
}
