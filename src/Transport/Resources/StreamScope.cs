namespace Overlay.Transport.Resources;

/// <summary>One stream's claim on the budget: in its connection's, its peer's, its address's and the node's scope, and in its protocol's once that is agreed on.</summary>
/// <remarks>Safe on several threads; guarded by the budget's gate. May outlive its connection's scope.</remarks>
internal sealed class StreamScope : IDisposable
{
    private readonly ResourceBudget? _budget;
    private readonly ConnectionScope? _connection;
    private readonly PeerScope? _peer;
    private readonly ResourceUsage _claim;
    private string? _protocol;
    private bool _isDisposed;

    /// <summary>A claim on nothing, for a stream of a connection that is over.</summary>
    internal StreamScope() => _isDisposed = true;

    /// <summary>Made by the connection's scope, which has reserved <paramref name="claim"/>: with the protocol's scopes, or with the transient one.</summary>
    internal StreamScope(ResourceBudget budget, ConnectionScope connection, PeerScope peer, in ResourceUsage claim, string? protocol)
    {
        _budget = budget;
        _connection = connection;
        _peer = peer;
        _claim = claim;
        _protocol = protocol;
    }

    /// <summary>Moves the stream from the transient scope to the protocol's, once.</summary>
    internal bool TrySetProtocol(string protocol, out ResourceRefusal refusal)
    {
        refusal = default;
        if (_budget is null) return true;
        lock (_budget.Gate)
        {
            if (_protocol is not null) throw new InvalidOperationException("The stream has its protocol already.");
            if (_isDisposed) return true;
            (ResourceScope everywhere, ResourceScope withPeer) = _budget.ScopesOf(protocol, _peer!);
            if (!withPeer.HasRoomFor(_claim, out refusal) || !everywhere.HasRoomFor(_claim, out refusal))
            {
                _budget.Refuse(refusal);
                _budget.ForgetIfEmpty(protocol, _peer!);
                return false;
            }

            withPeer.Add(_claim);
            everywhere.Add(_claim);
            RemoveTransient();
            _protocol = protocol;
            return true;
        }
    }

    /// <summary>Gives the stream back. Idempotent.</summary>
    public void Dispose()
    {
        if (_budget is null) return;
        lock (_budget.Gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            if (_protocol is null) RemoveTransient();
            else
            {
                (ResourceScope everywhere, ResourceScope withPeer) = _budget.ScopesOf(_protocol, _peer!);
                everywhere.Remove(_claim);
                withPeer.Remove(_claim);
                _budget.ForgetIfEmpty(_protocol, _peer!);
            }

            _connection!.RemoveStream(_claim, _peer!);
        }
    }

    private void RemoveTransient()
    {
        _peer!.Transient.Remove(_claim);
        _budget!.Transient.Remove(_claim);
    }
}
