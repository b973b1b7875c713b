using Overlay.Transport.Connections;
using Overlay.Transport.Diagnostics;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport;

public sealed partial class PeerHost
{
    private const int MaxAttemptCount = 8;

    private readonly Lock _listenLock = new();
    private readonly List<ByteListener> _listeners = [];
    private readonly List<ListenerScope> _listenerScopes = [];
    private readonly List<Task> _acceptLoops = [];
    private readonly PendingInbound _pendingInbound = new();

    /// <summary>The addresses listened on, ports filled in, each ending in <c>/p2p/…</c>. Wildcard addresses stand as the host's own interface addresses.</summary>
    public IReadOnlyList<Multiaddr> ListenAddresses
    {
        get
        {
            lock (_listenLock) return [.. _listeners.SelectMany(l => InterfaceAddresses.Expand(l.Address)).Select(a => a.WithPeerId(PeerId))];
        }
    }

    /// <summary>Listens on one more address.</summary>
    /// <returns>The address with the real port where 0 was asked for, ending in <c>/p2p/…</c>.</returns>
    /// <exception cref="ConnectionException">The address is in use, not this host's, or of no known transport, or the node has its sockets.</exception>
    public async ValueTask<Multiaddr> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        IByteTransport transport = _transports.FirstOrDefault(t => t.CanDial(address))
            ?? throw new ConnectionException(ConnectionError.UnsupportedAddress, ConnectionStep.Listen, Fault.Caller, $"No transport of this node can listen on {address}.");
        if (!_budget.TryOpenListener(address, out ListenerScope? scope, out ResourceRefusal refusal)) throw refusal.ToException(ConnectionStep.Listen, null);
        ByteListener listener;
        try
        {
            listener = await transport.ListenAsync(address, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            scope.Dispose();
            throw;
        }

        lock (_listenLock)
        {
            _listeners.Add(listener);
            _listenerScopes.Add(scope);
            _acceptLoops.Add(Task.Run(() => AcceptLoopAsync(listener), CancellationToken.None));
        }

        TransportLog.Listening(_logger, listener.Address);
        PushToAll();
        return listener.Address.WithPeerId(PeerId);
    }

    private async Task AcceptLoopAsync(ByteListener listener)
    {
        while (true)
        {
            ByteConnection raw;
            try
            {
                raw = await listener.AcceptAsync(CancellationToken.None).ConfigureAwait(false);
            }
            catch (ConnectionException e) when (e.Reason == ConnectionError.Closed)
            {
                return;
            }
            catch (ConnectionException e)
            {
                // Out of descriptors, say: what is open may close again, so the listener lives on, a moment later.
                TransportLog.AcceptFailed(_logger, listener.Address, e.Message);
                try
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(100), _time, _stopping.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return;
                }

                continue;
            }

            // Reserved before the handshake costs anything; what does not fit costs no more than this.
            if (_budget.TryOpenConnection(Direction.Inbound, raw.RemoteAddress, out ConnectionScope? scope, out ResourceRefusal refusal))
                _background.Add(TakeInbound(raw, scope));
            else if (refusal.Scope == ResourceScopeKind.Transient && _pendingInbound.TryBreakOldest(raw) is { } broken) _background.Add(TakeInboundAsync(raw, broken));
            else if (TryMakeRoom(refusal) is { } madeRoom) _background.Add(TakeInboundAsync(raw, madeRoom));
            else await RefuseInboundAsync(raw, refusal).ConfigureAwait(false);
        }
    }

    private async ValueTask RefuseInboundAsync(ByteConnection raw, ResourceRefusal refusal)
    {
        TransportLog.InboundOverBudget(_logger, raw.RemoteAddress, refusal.Scope, refusal);
        raw.Abort();
        await raw.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Takes an inbound connection for which another is being closed. How many wait like this is bounded where room is made.</summary>
    private async Task TakeInboundAsync(ByteConnection raw, Task? madeRoom)
    {
        ResourceRefusal refusal = default;
        // Somebody who came meanwhile may have taken the room.
        for (int i = 0; i < MaxAttemptCount && madeRoom is not null; i++)
        {
            await madeRoom.ConfigureAwait(false);
            if (_budget.TryOpenConnection(Direction.Inbound, raw.RemoteAddress, out ConnectionScope? scope, out refusal))
            {
                await TakeInbound(raw, scope).ConfigureAwait(false);
                return;
            }

            madeRoom = refusal.Scope == ResourceScopeKind.Transient ? _pendingInbound.TryBreakOldest(raw) : null;
        }

        await RefuseInboundAsync(raw, refusal).ConfigureAwait(false);
    }

    private Task TakeInbound(ByteConnection raw, ConnectionScope scope)
    {
        PendingInbound.Pending pending = _pendingInbound.Add(raw);
        return Task.Run(() => TakeInboundAsync(raw, scope, pending), CancellationToken.None);
    }

    private async Task TakeInboundAsync(ByteConnection raw, ConnectionScope scope, PendingInbound.Pending pending)
    {
        Multiaddr from = raw.RemoteAddress;
        try
        {
            MuxedPeerConnection connection = await _connector.UpgradeAsync(raw, Direction.Inbound, null, scope, _stopping.Token).ConfigureAwait(false);
            Adopt(connection);
        }
        catch (ConnectionException e) when (pending.GaveWay)
        {
            _metrics.Refused(ConnectionError.LimitExceeded);
            TransportLog.InboundRefused(_logger, from, e.Step, ConnectionError.LimitExceeded, Fault.Local, "It had to give way: too many handshakes were not done.");
        }
        catch (ConnectionException e)
        {
            if (e.Limit is null) _metrics.Refused(e.Reason);
            TransportLog.InboundRefused(_logger, from, e.Step, e.Reason, e.Fault, e.Message);
        }
        catch (OperationCanceledException)
        {
            // The host is stopping.
        }
        finally
        {
            _pendingInbound.Remove(pending);
        }
    }

    private async ValueTask StopListeningAsync()
    {
        ByteListener[] listeners;
        ListenerScope[] scopes;
        Task[] loops;
        lock (_listenLock)
        {
            listeners = [.. _listeners];
            scopes = [.. _listenerScopes];
            loops = [.. _acceptLoops];
            _listeners.Clear();
            _listenerScopes.Clear();
            _acceptLoops.Clear();
        }

        foreach (ByteListener listener in listeners) await listener.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(loops).ConfigureAwait(false);
        foreach (ListenerScope scope in scopes) scope.Dispose();
    }
}
