using System.Text;

namespace Overlay.Gossip.Wire;

/// <summary>Cuts what is to be said to a peer into RPCs that others take, whose limits are thought to be like the own. Messages are not its business.</summary>
internal sealed class RpcSplitter
{
    // Tag and length of a field: at most 5 bytes.
    private const int HeadSize = 5;

    private readonly GossipLimits _limits;
    private readonly int _maxSize;
    private readonly List<Rpc> _parts = [];
    private Rpc _part = new();
    private int _size, _controlCount, _idCount;

    private RpcSplitter(GossipLimits limits)
    {
        _limits = limits;
        // Room for the heads of the control part and its lists, and for the topic of an IHAVE that goes on in the next RPC.
        _maxSize = limits.MaxRpcSize - limits.MaxTopicSize - (8 * HeadSize);
    }

    /// <summary>Gives the RPC itself where it surely fits, else several in the same order. What fits into none, peers in a PRUNE, is left out.</summary>
    internal static IReadOnlyList<Rpc> Split(Rpc rpc, GossipOptions options)
    {
        var splitter = new RpcSplitter(options.Limits);
        if (splitter.SurelyFits(rpc, options.MaxMessageIdSize)) return [rpc];
        splitter.AddAll(rpc);
        splitter.Next();
        foreach (Rpc part in splitter._parts) part.IDontWantCount = part.IDontWant.Count > 0 ? 1 : 0;
        return splitter._parts;
    }

    private bool SurelyFits(Rpc rpc, int maxIdSize)
    {
        int controlCount = rpc.IHave.Count + rpc.Graft.Count + rpc.Prune.Count + 2;
        int idCount = rpc.IHave.Sum(have => have.Ids.Count) + rpc.IWant.Count + rpc.IDontWant.Count;
        if (rpc.Subscriptions.Count > _limits.MaxSubscriptionsPerRpc || controlCount > _limits.MaxControlPerRpc || idCount > _limits.MaxIdsPerRpc) return false;
        long size = (rpc.Subscriptions.Count + controlCount) * (4L * HeadSize + _limits.MaxTopicSize) + idCount * (long)(HeadSize + maxIdSize);
        return size + rpc.Prune.Sum(prune => prune.Peers.Sum(SizeOf)) <= _maxSize;
    }

    private void AddAll(Rpc rpc)
    {
        foreach (SubscriptionChange change in rpc.Subscriptions)
        {
            if (_part.Subscriptions.Count >= _limits.MaxSubscriptionsPerRpc) Next();
            MakeRoom((2 * HeadSize) + SizeOf(change.Topic));
            _part.Subscriptions.Add(change);
        }

        foreach (IHave have in rpc.IHave) AddIHave(have);
        AddIds(rpc.IWant, static part => part.IWant);
        foreach (string topic in rpc.Graft)
        {
            MakeRoom((2 * HeadSize) + SizeOf(topic), controlCount: 1);
            _part.Graft.Add(topic);
        }

        foreach (Prune prune in rpc.Prune) AddPrune(prune);
        AddIds(rpc.IDontWant, static part => part.IDontWant);
    }

    private void AddIHave(IHave have)
    {
        MakeRoom((2 * HeadSize) + SizeOf(have.Topic), controlCount: 1);
        List<MessageId>? ids = null;
        Rpc? part = null;
        foreach (MessageId id in have.Ids)
        {
            MakeRoom(HeadSize + id.Size, idCount: 1);
            if (part != _part)
            {
                part = _part;
                part.IHave.Add(new IHave(have.Topic, ids = []));
            }

            ids!.Add(id);
        }
    }

    private void AddIds(List<MessageId> all, Func<Rpc, List<MessageId>> listOf)
    {
        if (all.Count > 0) MakeRoom(HeadSize, controlCount: 1);
        foreach (MessageId id in all)
        {
            MakeRoom(HeadSize + id.Size, idCount: 1);
            listOf(_part).Add(id);
        }
    }

    private void AddPrune(Prune prune)
    {
        // The number of seconds has at most 11 bytes with its tag.
        int size = (2 * HeadSize) + SizeOf(prune.Topic) + 11;
        var peers = new List<ExchangedPeer>();
        foreach (ExchangedPeer peer in prune.Peers)
        {
            if (size + SizeOf(peer) > _maxSize) continue;
            size += SizeOf(peer);
            peers.Add(peer);
        }

        MakeRoom(size, controlCount: 1);
        _part.Prune.Add(prune with { Peers = peers });
    }

    /// <summary>Begins another RPC where this one has no room for so much more.</summary>
    private void MakeRoom(int size, int controlCount = 0, int idCount = 0)
    {
        if (_size + size > _maxSize || _controlCount + controlCount > _limits.MaxControlPerRpc || _idCount + idCount > _limits.MaxIdsPerRpc) Next();
        _size += size;
        _controlCount += controlCount;
        _idCount += idCount;
    }

    private void Next()
    {
        if (_part.IsEmpty) return;
        _parts.Add(_part);
        _part = new Rpc();
        _size = _idCount = 0;
        // A list that goes on is a control message here, too.
        _controlCount = 1;
    }

    private static int SizeOf(string topic) => Encoding.UTF8.GetByteCount(topic);

    private static int SizeOf(ExchangedPeer peer) => (3 * HeadSize) + peer.PeerId.Length + peer.SignedRecord.Length;
}
