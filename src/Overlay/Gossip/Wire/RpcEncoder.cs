namespace Overlay.Gossip.Wire;

/// <summary>An <see cref="Rpc"/> to bytes. Messages go out as they came in, byte for byte. One encoder for one writer; not safe on several threads.</summary>
internal sealed class RpcEncoder
{
    private readonly ProtoWriter _rpc = new();
    private readonly ProtoWriter _control = new();
    private readonly ProtoWriter _inner = new();
    private readonly ProtoWriter _peer = new();

    /// <summary>The RPC's bytes, valid until the next call.</summary>
    internal ReadOnlySpan<byte> Encode(Rpc rpc)
    {
        _rpc.Clear();
        foreach (SubscriptionChange change in rpc.Subscriptions)
        {
            _inner.Clear();
            _inner.Number(1, change.Subscribes ? 1UL : 0UL);
            _inner.Text(2, change.Topic);
            _rpc.Bytes(1, _inner.Written);
        }

        foreach (WireMessage message in rpc.Messages) _rpc.Bytes(2, message.Encoded.Span);
        if (rpc.HasControl) WriteControl(rpc);
        return _rpc.Written;
    }

    private void WriteControl(Rpc rpc)
    {
        _control.Clear();
        foreach (IHave have in rpc.IHave)
        {
            _inner.Clear();
            _inner.Text(1, have.Topic);
            foreach (MessageId id in have.Ids) _inner.Bytes(2, id.Bytes.Span);
            _control.Bytes(1, _inner.Written);
        }

        WriteIds(2, rpc.IWant);
        foreach (string topic in rpc.Graft)
        {
            _inner.Clear();
            _inner.Text(1, topic);
            _control.Bytes(3, _inner.Written);
        }

        foreach (Prune prune in rpc.Prune) WritePrune(prune);
        WriteIds(5, rpc.IDontWant);
        _rpc.Bytes(3, _control.Written);
    }

    private void WriteIds(int name, List<MessageId> ids)
    {
        if (ids.Count == 0) return;
        _inner.Clear();
        foreach (MessageId id in ids) _inner.Bytes(1, id.Bytes.Span);
        _control.Bytes(name, _inner.Written);
    }

    private void WritePrune(Prune prune)
    {
        _inner.Clear();
        _inner.Text(1, prune.Topic);
        foreach (ExchangedPeer peer in prune.Peers)
        {
            _peer.Clear();
            _peer.Bytes(1, peer.PeerId.Span);
            if (!peer.SignedRecord.IsEmpty) _peer.Bytes(2, peer.SignedRecord.Span);
            _inner.Bytes(2, _peer.Written);
        }

        if (prune.BackoffSeconds != 0) _inner.Number(3, prune.BackoffSeconds);
        _control.Bytes(4, _inner.Written);
    }
}
