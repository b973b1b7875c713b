using Overlay.Transport.Connections;
using Overlay.Transport.Diagnostics;
using Overlay.Transport.Identity;

namespace Overlay.Transport;

public sealed partial class PeerHost
{
    private readonly Lock _listenLock = new();
    private readonly List<ByteListener> _listeners = [];
    private readonly List<Task> _acceptLoops = [];
    private readonly PendingInbound _pendingInbound;

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
    /// <exception cref="ConnectionException">The address is in use, not this host's, or of no known transport.</exception>
    public async ValueTask<Multiaddr> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        IByteTransport transport = _transports.FirstOrDefault(t => t.CanDial(address))
            ?? throw new ConnectionException(ConnectionError.UnsupportedAddress, ConnectionStep.Listen, Fault.Caller, $"No transport of this node can listen on {address}.");
        ByteListener listener = await transport.ListenAsync(address, cancellationToken).ConfigureAwait(false);
        lock (_listenLock)
        {
            _listeners.Add(listener);
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

            if (_table.Count >= _options.MaxConnectionCount || !_pendingInbound.TryAdd(raw, out PendingInbound.Pending? pending))
            {
                _metrics.Refused(ConnectionError.LimitExceeded);
                raw.Abort();
                await raw.DisposeAsync().ConfigureAwait(false);
                continue;
            }

            _background.Add(Task.Run(() => TakeInboundAsync(raw, pending), CancellationToken.None));
        }
    }

    private async Task TakeInboundAsync(ByteConnection raw, PendingInbound.Pending pending)
    {
        Multiaddr from = raw.RemoteAddress;
        try
        {
            MuxedPeerConnection connection = await _connector.UpgradeAsync(raw, Direction.Inbound, null, _stopping.Token).ConfigureAwait(false);
            Adopt(connection);
        }
        catch (ConnectionException e) when (pending.GaveWay)
        {
            _metrics.Refused(ConnectionError.LimitExceeded);
            TransportLog.InboundRefused(_logger, from, e.Step, ConnectionError.LimitExceeded, Fault.Local, "It had to give way: too many handshakes were not done.");
        }
        catch (ConnectionException e)
        {
            _metrics.Refused(e.Reason);
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
        Task[] loops;
        lock (_listenLock)
        {
            listeners = [.. _listeners];
            loops = [.. _acceptLoops];
            _listeners.Clear();
            _acceptLoops.Clear();
        }

        foreach (ByteListener listener in listeners) await listener.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(loops).ConfigureAwait(false);
    }
}
