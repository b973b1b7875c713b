using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Discovery.Addresses;
using Overlay.Discovery.Bootstrap;
using Overlay.Discovery.Mdns;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Discovery;

/// <summary>Keeps as many connections as the options say: watches those that stand, and dials whom <see cref="DialPlan"/> names.</summary>
/// <remarks>Two tasks of its own, one while names are looked up, and one for each dial under way. Disposing awaits them all.</remarks>
internal sealed class FinderLoop : IAsyncDisposable
{
    // The plan is looked at again this often even when nothing wakes it.
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(1);

    private readonly PeerHost _host;
    private readonly DiscoveryOptions _options;
    private readonly AddressBook _book;
    private readonly PeerTable _table;
    private readonly ScopedDialer _dialer;
    private readonly BootstrapPeers _bootstrap;
    private readonly Action<PeerConnection, PeerInfo> _identified;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IReadOnlyList<IGrouping<PeerId, Multiaddr>> _persistent;
    private readonly Lock _lock = new(); // guards the plan's back-off and the dials
    private readonly Backoff _backoff;
    private readonly DialPlan _plan;
    private readonly Dictionary<PeerId, (Task Task, PeerSource Source)> _dials = [];
    private readonly Dictionary<PeerConnection, PeerInfo?> _known = []; // the watching task's
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watching;
    private readonly Task _planning;
    private Task _lookingUp = Task.CompletedTask; // the planning task's

    /// <param name="host">Brings the connections.</param>
    /// <param name="options">How many.</param>
    /// <param name="book">Whom to dial, and where what was learned goes.</param>
    /// <param name="table">Where connections are told.</param>
    /// <param name="dialer">Dials.</param>
    /// <param name="bootstrap">The ways in.</param>
    /// <param name="identified">Told of each peer that has said what it is.</param>
    /// <param name="changed">Told when the table has changed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Of the waits.</param>
    /// <param name="logger">Where connections are told.</param>
    internal FinderLoop(
        PeerHost host, DiscoveryOptions options, AddressBook book, PeerTable table, ScopedDialer dialer, BootstrapPeers bootstrap,
        Action<PeerConnection, PeerInfo> identified, Action changed, TimeProvider time, Random random, ILogger logger)
    {
        _host = host;
        _options = options;
        _book = book;
        _table = table;
        _dialer = dialer;
        _bootstrap = bootstrap;
        _identified = identified;
        _changed = changed;
        _time = time;
        _logger = logger;
        _persistent = [.. options.PersistentPeers.Select(Multiaddr.Parse).GroupBy(address => address.PeerId!).Where(group => group.Key != host.PeerId)];
        // Protected: the owner wants them, whoever else comes.
        foreach (IGrouping<PeerId, Multiaddr> peer in _persistent) host.Protect(peer.Key, "persistent");
        _backoff = new Backoff(options.Backoff, random, 2 * options.AddressBook.MaxPeerCount);
        _plan = new DialPlan(options, _backoff);
        _watching = Task.Run(WatchAsync);
        _planning = Task.Run(PlanAsync);
    }

    /// <summary>Something has changed of which the loop does not know by itself.</summary>
    internal void Wake() => _wake.Writer.TryWrite(true);

    /// <summary>Looks which connections stand. Safe on several threads.</summary>
    internal void TakeConnections()
    {
        foreach (PeerConnection added in _table.Update(_host, _time.GetUtcNow())) Welcome(added);
        _changed();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_watching, _planning).ConfigureAwait(false);
        await _lookingUp.ConfigureAwait(false);
        Task[] dials;
        lock (_lock) dials = [.. _dials.Values.Select(dial => dial.Task)];
        await Task.WhenAll(dials).ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task WatchAsync()
    {
        try
        {
            await foreach (IReadOnlyList<PeerConnection> connections in _host.WatchConnectionsAsync(_stopping.Token).ConfigureAwait(false))
            {
                TakeConnections();
                foreach (PeerConnection gone in _known.Keys.Except(connections).ToList()) _known.Remove(gone);
                foreach (PeerConnection connection in connections) TakeInfo(connection);
                Wake();
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    private void Welcome(PeerConnection connection)
    {
        lock (_lock) _backoff.Reached(connection.RemotePeer);
        if (_table.Connected.TryGetValue(connection.RemotePeer, out PeerSource source)) DiscoveryLog.Found(_logger, connection.RemotePeer, source);
        // Where this node dialled, it can dial again; whence it was dialled, nobody listens.
        if (connection.Direction == Direction.Outbound && AddressScopes.HasTransport(connection.RemoteAddress)
            && AddressScopes.Of(connection.RemoteAddress) is { } scope)
            _book.Reached(connection.RemotePeer, connection.RemoteAddress, scope);
    }

    private void TakeInfo(PeerConnection connection)
    {
        PeerInfo? info = _host.FindPeerInfo(connection);
        if (_known.TryGetValue(connection, out PeerInfo? known) && ReferenceEquals(known, info)) return;
        _known[connection] = info;
        if (info is null) return;
        // Whence nothing can be told counts as far away.
        AddressScope distance = AddressScopes.Of(connection.RemoteAddress) ?? AddressScope.Public;
        if (info.SignedPeerRecord.IsEmpty) _book.Add(info.PeerId, info.ListenAddresses, AddressOrigin.Identify, distance);
        else _book.AddRecord(info.PeerId, info.SignedPeerRecord.Span, distance);
        _identified(connection, info);
    }

    private async Task PlanAsync()
    {
        try
        {
            while (true)
            {
                DateTimeOffset now = _time.GetUtcNow();
                LookUpIfNeeded(now);
                DateTimeOffset? next = StartDials(now);
                TimeSpan pause = next is { } at && at - now < s_longestPause ? at - now : s_longestPause;
                await SleepAsync(pause > TimeSpan.Zero ? pause : TimeSpan.Zero).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    private void LookUpIfNeeded(DateTimeOffset now)
    {
        if (!_lookingUp.IsCompleted || !_bootstrap.NeedsLookup(now) || !_plan.NeedsBootstrap(_table.Connected.Count)) return;
        // The book comes first: only when it has nobody left to dial is a name server asked.
        lock (_lock)
        {
            if (_dials.Count > 0 || _plan.Next(Situation(), now).Any(target => target.Source == PeerSource.AddressBook)) return;
        }

        // Beside the plan: a name server that lets wait holds up no other dial.
        _lookingUp = Task.Run(() => LookUpAsync(now));
    }

    private async Task LookUpAsync(DateTimeOffset now)
    {
        try
        {
            foreach (Multiaddr empty in await _bootstrap.LookUpAsync(now, _stopping.Token).ConfigureAwait(false)) DiscoveryLog.BootstrapEmpty(_logger, empty);
            Wake();
        }
        catch (Exception) when (_stopping.IsCancellationRequested)
        {
            // The node is stopping, whatever that looks like to who was asked: it must not keep the rest from being put away.
        }
    }

    private DateTimeOffset? StartDials(DateTimeOffset now)
    {
        lock (_lock)
        {
            DialSituation situation = Situation();
            foreach (DialTarget target in _plan.Next(situation, now))
            {
                // Removed by the dial itself, which cannot end before this lock is let go of.
                _dials[target.Peer] = (Task.Run(() => DialAsync(target)), target.Source);
            }

            return _plan.NextAttempt(situation, now);
        }
    }

    private DialSituation Situation() => new()
    {
        Connected = _table.Connected,
        Dialling = _dials.ToDictionary(pair => pair.Key, pair => pair.Value.Source),
        Persistent = [.. _persistent.Select(group => group.Key)],
        Lan = _table.Lan,
        Book = [.. _book.FindPeers(2 * _options.TargetConnectionCount + _options.MaxParallelDials).Where(peer => peer != _host.PeerId)],
        Bootstrap = [.. _bootstrap.Peers.Select(peer => peer.Peer).Where(peer => peer != _host.PeerId)],
    };

    private async Task DialAsync(DialTarget target)
    {
        (Multiaddr Address, AddressScope? ToldFrom)[] addresses = [.. AddressesOf(target)];
        try
        {
            _table.Expect(target.Peer, target.Source);
            await _dialer.ConnectAsync(target.Peer, addresses, _stopping.Token).ConfigureAwait(false);
            lock (_lock) _backoff.Reached(target.Peer);
            // Before the expectation is withdrawn, the connection must be in the table under it.
            TakeConnections();
        }
        // Whatever went wrong: without its pause the peer would be dialled again at once, and again.
        catch (Exception e)
        {
            if (!_stopping.IsCancellationRequested) GiveUp(target, addresses, e);
        }
        finally
        {
            _table.ExpectNoMore(target.Peer);
            lock (_lock) _dials.Remove(target.Peer);
            Wake();
        }
    }

    private void GiveUp(DialTarget target, IReadOnlyList<(Multiaddr Address, AddressScope? ToldFrom)> addresses, Exception failure)
    {
        TimeSpan pause;
        lock (_lock) pause = _backoff.Failed(target.Peer, _time.GetUtcNow(), target.Source == PeerSource.Persistent);
        // This node's own limits say nothing about the peer, and neither does a network that is gone: what is as far away as nobody is reached now keeps
        // its place.
        if (failure is ConnectionException { Fault: not Fault.Local })
        {
            HashSet<AddressScope?> working = [.. _host.Connections.Select(connection => AddressScopes.Of(connection.RemoteAddress))];
            _book.Failed(target.Peer, [.. addresses.Select(one => one.Address.WithoutPeerId()).Where(address => working.Contains(AddressScopes.Of(address)))]);
        }

        DiscoveryLog.NotReached(_logger, target.Peer, target.Source, pause, failure.Message);
    }

    /// <summary>Where a peer may be, best first: where it was reached before, then what its source says now.</summary>
    private IEnumerable<(Multiaddr Address, AddressScope? ToldFrom)> AddressesOf(DialTarget target)
    {
        IEnumerable<(Multiaddr Address, AddressScope? ToldFrom)> known = _book.Find(target.Peer).Select(entry => (entry.Address, entry.ToldFrom));
        IEnumerable<(Multiaddr Address, AddressScope? ToldFrom)> named = target.Source switch
        {
            PeerSource.Persistent => _persistent.Where(group => group.Key == target.Peer).SelectMany(group => group)
                .Select(address => (address, (AddressScope?)null)),
            PeerSource.Mdns => _table.Lan.Where(seen => seen.Peer == target.Peer).SelectMany(seen => seen.Addresses)
                .Select(address => (address, (AddressScope?)AddressScope.Lan)),
            PeerSource.Bootstrap => _bootstrap.Peers.Where(peer => peer.Peer == target.Peer).SelectMany(peer => peer.Addresses),
            _ => [],
        };
        return known.Concat(named).DistinctBy(one => one.Address.WithoutPeerId());
    }

    private async ValueTask SleepAsync(TimeSpan pause)
    {
        using var due = new CancellationTokenSource(pause, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(due.Token, _stopping.Token);
        try
        {
            await _wake.Reader.ReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
        {
            // Nothing woke it; it is time all the same.
        }
    }
}
