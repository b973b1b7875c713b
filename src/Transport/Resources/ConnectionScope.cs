using System.Diagnostics.CodeAnalysis;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Resources;

/// <summary>One connection's claim on the budget, from before its handshake to its end, and what its buffers are charged to.</summary>
/// <remarks>Safe on several threads; guarded by the budget's gate. Counts as transient until the peer is known, then as that peer's.</remarks>
internal sealed class ConnectionScope : IMemoryBudget, IDisposable
{
    private readonly ResourceBudget _budget;
    private readonly ResourceScope _own;
    private readonly PrefixScope[] _prefixes;
    private readonly ResourceUsage _claim;
    private PeerScope? _peer;
    private bool _isDisposed;

    /// <summary>Made by the budget, which has reserved <paramref name="claim"/> everywhere.</summary>
    internal ConnectionScope(ResourceBudget budget, ResourceScope own, PrefixScope[] prefixes, in ResourceUsage claim)
    {
        _budget = budget;
        _own = own;
        _prefixes = prefixes;
        _claim = claim;
    }

    /// <summary>What the connection and its streams hold.</summary>
    internal ResourceUsage Usage
    {
        get
        {
            lock (_budget.Gate) return _own.Usage;
        }
    }

    private ResourceScope Shared => (ResourceScope?)_peer ?? _budget.Transient;

    /// <summary>Moves the connection from the transient scope to the peer's, once: the handshake has proved who is there.</summary>
    internal bool TrySetPeer(PeerId peer, out ResourceRefusal refusal)
    {
        lock (_budget.Gate)
        {
            if (_peer is not null) throw new InvalidOperationException("The connection has its peer already.");
            refusal = default;
            // Over before it was established: nothing is held that could move.
            if (_isDisposed) return true;
            PeerScope scope = _budget.ScopeOf(peer);
            if (!scope.HasRoomFor(_own.Usage, out refusal))
            {
                _budget.Refuse(refusal);
                _budget.ForgetIfEmpty(scope);
                return false;
            }

            scope.Add(_own.Usage);
            _budget.Transient.Remove(_own.Usage);
            _peer = scope;
            return true;
        }
    }

    /// <summary>Reserves <paramref name="size"/> bytes in the connection's, the peer's, the address's and the node's scope, or in none. False after the end, too.</summary>
    public bool TryReserve(int size, bool isPromise = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        var claim = new ResourceUsage { MemorySize = size };
        lock (_budget.Gate)
        {
            if (_isDisposed) return false;
            if (!HasRoomFor(claim, Shared, out ResourceRefusal refusal, isPromise))
            {
                _budget.Refuse(refusal);
                return false;
            }

            Add(claim, Shared);
            return true;
        }
    }

    /// <summary>Gives back what was reserved. After the end it does nothing: the end has given everything back.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More is given back than was reserved.</exception>
    public void Release(int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        var claim = new ResourceUsage { MemorySize = size };
        lock (_budget.Gate)
        {
            if (_isDisposed) return;
            ArgumentOutOfRangeException.ThrowIfGreaterThan(size, _own.Usage.MemorySize - _claim.MemorySize);
            Remove(claim, Shared);
        }
    }

    /// <summary>Reserves a stream that the peer opened: transient until <see cref="StreamScope.TrySetProtocol"/>.</summary>
    internal bool TryAcceptStream([NotNullWhen(true)] out StreamScope? scope, out ResourceRefusal refusal)
    {
        var claim = new ResourceUsage { InboundStreamCount = 1 };
        lock (_budget.Gate)
        {
            scope = null;
            refusal = default;
            if (_isDisposed || _peer is null)
            {
                scope = new StreamScope();
                return true;
            }

            bool fits = HasRoomFor(claim, _peer, out refusal) && _peer.Transient.HasRoomFor(claim, out refusal) && _budget.Transient.HasRoomFor(claim, out refusal);
            if (!fits)
            {
                _budget.Refuse(refusal);
                return false;
            }

            Add(claim, _peer);
            _peer.Transient.Add(claim);
            _budget.Transient.Add(claim);
            scope = new StreamScope(_budget, this, _peer, claim, null);
            return true;
        }
    }

    /// <summary>Reserves a stream that this side opens for a protocol.</summary>
    internal bool TryOpenStream(string protocol, [NotNullWhen(true)] out StreamScope? scope, out ResourceRefusal refusal)
    {
        var claim = new ResourceUsage { OutboundStreamCount = 1 };
        lock (_budget.Gate)
        {
            scope = null;
            refusal = default;
            // Over: the muxer says why, and better than this scope could.
            if (_isDisposed || _peer is null)
            {
                scope = new StreamScope();
                return true;
            }

            (ResourceScope everywhere, ResourceScope withPeer) = _budget.ScopesOf(protocol, _peer);
            bool fits = HasRoomFor(claim, _peer, out refusal) && withPeer.HasRoomFor(claim, out refusal) && everywhere.HasRoomFor(claim, out refusal);
            if (!fits)
            {
                _budget.Refuse(refusal);
                _budget.ForgetIfEmpty(protocol, _peer);
                return false;
            }

            Add(claim, _peer);
            withPeer.Add(claim);
            everywhere.Add(claim);
            scope = new StreamScope(_budget, this, _peer, claim, protocol);
            return true;
        }
    }

    /// <summary>Gives a stream's share back. Called with the gate held, by the stream's scope, which may outlive this one.</summary>
    internal void RemoveStream(in ResourceUsage claim, PeerScope peer)
    {
        Remove(claim, peer);
        _budget.ForgetIfEmpty(peer);
    }

    /// <summary>Gives back the connection and all memory charged to it. Idempotent. Its streams give themselves back.</summary>
    public void Dispose()
    {
        lock (_budget.Gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            ResourceUsage held = _claim with { MemorySize = _own.Usage.MemorySize };
            Remove(held, Shared);
            if (_peer is not null) _budget.ForgetIfEmpty(_peer);
        }
    }

    private bool HasRoomFor(in ResourceUsage claim, ResourceScope shared, out ResourceRefusal refusal, bool isPromise = false) =>
        _own.HasRoomFor(claim, out refusal) && shared.HasRoomFor(claim, out refusal)
        && _budget.HasRoomFor(claim, _prefixes, isPromise, out refusal) && _budget.Node.HasRoomFor(claim, out refusal);

    private void Add(in ResourceUsage claim, ResourceScope shared)
    {
        _own.Add(claim);
        shared.Add(claim);
        _budget.Add(claim, _prefixes);
        _budget.Node.Add(claim);
    }

    private void Remove(in ResourceUsage claim, ResourceScope shared)
    {
        _own.Remove(claim);
        shared.Remove(claim);
        _budget.Remove(claim, _prefixes);
        _budget.Node.Remove(claim);
    }
}
