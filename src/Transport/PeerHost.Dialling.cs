using System.Diagnostics;
using Overlay.Transport.Connections;
using Overlay.Transport.Diagnostics;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport;

public sealed partial class PeerHost
{
    private readonly Lock _dialLock = new();
    private readonly Dictionary<PeerId, SharedDial> _dials = []; // guarded by the lock

    /// <summary>Returns a connection to the peer that <paramref name="address"/> names, dialling it if there is none.</summary>
    /// <param name="address">An address ending in <c>/p2p/…</c>: nobody else is accepted there.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ArgumentException">The address names no peer.</exception>
    /// <exception cref="ConnectionException">The peer could not be reached, or somebody else was there (<see cref="ConnectionError.WrongPeer"/>).</exception>
    public ValueTask<PeerConnection> ConnectAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        PeerId peer = address.PeerId ?? throw new ArgumentException($"{address} does not say whom to expect there: it must end in /p2p/ and a peer id.", nameof(address));
        return ConnectAsync(peer, [address], cancellationToken);
    }

    /// <summary>Returns a connection to <paramref name="peer"/>, dialling it if there is none. Callers that ask at once share one dial; if it
    /// fails, those who know other addresses try them.</summary>
    /// <param name="peer">Whom to expect; anybody else's handshake is refused.</param>
    /// <param name="addresses">Where to try, best first; at most <see cref="TransportOptions.MaxDialAddressCount"/> are used.</param>
    /// <param name="cancellationToken">Gives up waiting; a dial that others wait for goes on.</param>
    /// <exception cref="ConnectionException">The peer could not be reached, or a limit of <see cref="TransportOptions.Resources"/> is reached.</exception>
    public async ValueTask<PeerConnection> ConnectAsync(PeerId peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(addresses);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (peer == PeerId) throw new ConnectionException(ConnectionError.UnsupportedAddress, ConnectionStep.Dial, Fault.Caller, "A host does not dial itself.");
        if (_table.FindPreferred(peer) is { } existing) return existing;

        List<Multiaddr> own = [.. addresses.Select(a => a.WithoutPeerId())];
        while (true)
        {
            SharedDial dial = ShareDial(peer, own, out bool isOwn);
            try
            {
                MuxedPeerConnection dialled = await dial.Connection.WaitAsync(cancellationToken).ConfigureAwait(false);
                return _table.FindPreferred(peer) ?? dialled;
            }
            catch (ConnectionException) when (!isOwn && !own.TrueForAll(dial.Addresses.Contains))
            {
                // Somebody else's addresses were no good, which says nothing about these.
                Forget(peer, dial);
            }
        }
    }

    /// <summary>Opens one more connection to a peer, whether or not there is one.</summary>
    /// <exception cref="ConnectionException">The peer could not be reached, or a limit of <see cref="TransportOptions.Resources"/> is reached.</exception>
    public async ValueTask<PeerConnection> ConnectAnewAsync(PeerId peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(addresses);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return await DialAsync(peer, [.. addresses.Select(a => a.WithoutPeerId())], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Opens a stream on the preferred connection to a connected peer.</summary>
    /// <exception cref="ConnectionException">There is no connection to the peer, or no stream can be opened.</exception>
    public ValueTask<PeerStream> OpenStreamAsync(PeerId peer, string protocol, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return _table.FindPreferred(peer) is { } connection
            ? connection.OpenStreamAsync(protocol, cancellationToken)
            : throw new ConnectionException(ConnectionError.Unreachable, ConnectionStep.OpenStream, Fault.Caller, "There is no connection to the peer.") { Peer = peer };
    }

    private async Task<MuxedPeerConnection> DialAsync(PeerId peer, List<Multiaddr> addresses, CancellationToken cancellationToken = default)
    {
        using Activity? activity = TransportMetrics.Activities.StartActivity("overlay.transport.dial");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, cancellationToken);
        try
        {
            List<Multiaddr> resolved = await AddressDialer.ResolveAsync(addresses.Take(_options.MaxDialAddressCount), _options.MaxDialAddressCount, either.Token).ConfigureAwait(false);
            MuxedPeerConnection connection = await AddressDialer.RaceAsync(
                resolved, (address, ct) => DialOneAsync(peer, address, ct), _options.DialStagger, _time, either.Token).ConfigureAwait(false);
            Adopt(connection);
            return connection;
        }
        catch (ConnectionException e)
        {
            activity?.SetStatus(ActivityStatusCode.Error, e.Reason.ToString());
            throw;
        }
    }

    private async Task<MuxedPeerConnection> DialOneAsync(PeerId peer, Multiaddr address, CancellationToken cancellationToken)
    {
        try
        {
            IByteTransport transport = _transports.FirstOrDefault(t => t.CanDial(address))
                ?? throw new ConnectionException(ConnectionError.UnsupportedAddress, ConnectionStep.Dial, Fault.Caller, $"No transport of this node can dial {address}.") { Peer = peer };
            if (!_budget.TryOpenConnection(Direction.Outbound, address, out ConnectionScope? scope, out ResourceRefusal refusal))
                throw refusal.ToException(ConnectionStep.Dial, peer);
            ByteConnection raw;
            try
            {
                using var deadline = new Deadline(_options.DialTimeout, _time, cancellationToken);
                raw = await deadline.RunAsync(ct => transport.DialAsync(address, ct), ConnectionStep.Dial, $"dialling {address}").ConfigureAwait(false);
            }
            catch
            {
                scope.Dispose();
                throw;
            }

            return await _connector.UpgradeAsync(raw, Direction.Outbound, peer, scope, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectionException e)
        {
            TransportLog.DialFailed(_logger, address, e.Step, e.Message);
            throw;
        }
    }

    // The dial to the peer that runs, or one begun now.
    private SharedDial ShareDial(PeerId peer, List<Multiaddr> addresses, out bool isOwn)
    {
        lock (_dialLock)
        {
            isOwn = !_dials.TryGetValue(peer, out SharedDial? running);
            if (running is not null) return running;
            // Runs on under the host's own token: a caller who gives up must not take the dial from the others.
            var dial = new SharedDial(Task.Run(() => DialAsync(peer, addresses), CancellationToken.None), addresses);
            _dials.Add(peer, dial);
            _background.Add(ForgetDialAsync(peer, dial));
            return dial;
        }
    }

    private async Task ForgetDialAsync(PeerId peer, SharedDial dial)
    {
        // Whoever waits for the dial hears of its failure; here it only ends.
        await ((Task)dial.Connection).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Forget(peer, dial);
    }

    private void Forget(PeerId peer, SharedDial dial)
    {
        lock (_dialLock)
        {
            if (_dials.TryGetValue(peer, out SharedDial? running) && running == dial) _dials.Remove(peer);
        }
    }

    private sealed class SharedDial(Task<MuxedPeerConnection> connection, List<Multiaddr> addresses)
    {
        internal Task<MuxedPeerConnection> Connection => connection;

        internal List<Multiaddr> Addresses => addresses;
    }
}
