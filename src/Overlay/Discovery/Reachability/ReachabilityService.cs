using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Discovery.Addresses;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Reachability;

/// <summary>The loop that asks connected servers about this node's addresses, one question at a time, and the server for others' questions.</summary>
/// <remarks>One task, its own. Safe on several threads. Disposing takes no more streams and awaits the loop.</remarks>
internal sealed class ReachabilityService : IAsyncDisposable
{
    private readonly PeerHost _host;
    private readonly ReachabilityOptions _options;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly AutoNatClient _client;
    private readonly DialBackHost? _dialBack;
    private readonly List<IDisposable> _handlers = [];
    private readonly Lock _lock = new(); // guards the two states
    private readonly ObservedAddresses _observed;
    private readonly ReachabilityState _state;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private ReachabilityReport _report = new(ReachabilityVerdict.Unknown, [], []);
    private int _nextServer;

    /// <param name="host">Brings the connections and takes the streams.</param>
    /// <param name="options">Limits and times.</param>
    /// <param name="changed">Told, on the loop's thread, when the report has become another.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Of what a dial costs.</param>
    /// <param name="loggers">Where changes are told, and of dials back.</param>
    internal ReachabilityService(PeerHost host, ReachabilityOptions options, Action changed, TimeProvider time, Random random, ILoggerFactory loggers)
    {
        _host = host;
        _options = options;
        _changed = changed;
        _time = time;
        _logger = loggers.CreateLogger("Overlay");
        _client = new AutoNatClient(options, time);
        _observed = new ObservedAddresses(options);
        _state = new ReachabilityState(options);
        _handlers.Add(host.Protocols.Handle(AutoNatProtocol.DialBack, _client.TakeDialBackAsync, maxStreamsPerConnection: 2));
        if (options.Serve)
        {
            _dialBack = new DialBackHost(options, time, loggers);
            Server = new AutoNatServer(options, new AutoNatServerRules(options, HasFamily), _dialBack.DialAsync, random, time);
            _handlers.Add(host.Protocols.Handle(AutoNatProtocol.DialRequest, Server.HandleAsync, maxStreamsPerConnection: 2));
        }

        _running = Task.Run(RunAsync);
    }

    /// <summary>What others are served; null when they are not.</summary>
    internal AutoNatServer? Server { get; }

    /// <summary>What is known now.</summary>
    internal ReachabilityReport Report => Volatile.Read(ref _report);

    /// <summary>A peer has said where it sees this node.</summary>
    internal void Observe(PeerConnection connection, Multiaddr observed)
    {
        if (connection.RemoteAddress.HostAddress is not { } observer) return;
        lock (_lock) _observed.Add(observer, observed, connection.Direction == Direction.Inbound, _time.GetUtcNow());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IDisposable handler in _handlers) handler.Dispose();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        if (_dialBack is not null) await _dialBack.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                Refresh();
                await AskOneAsync(_stopping.Token).ConfigureAwait(false);
                await Task.Delay(_options.QuestionInterval, _time, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    /// <summary>What this node could be reached at: public addresses of its own, and those at which others see it.</summary>
    private void Refresh()
    {
        Multiaddr[] listening = [.. _host.ListenAddresses.Select(address => address.WithoutPeerId())];
        IPEndPoint[] places = [.. listening.Select(a => a.TryGetIPEndPoint(out IPEndPoint? place) ? place : null).OfType<IPEndPoint>()];
        ILookup<AddressFamily, int> ports = places.Distinct().ToLookup(place => place.AddressFamily, place => place.Port);
        bool hasChanged;
        lock (_lock)
        {
            DateTimeOffset now = _time.GetUtcNow();
            _state.SetCandidates([.. listening.Where(IsCandidate), .. _observed.Confirmed(ports, now)]);
            ReachabilityReport report = _state.Report(now);
            hasChanged = report.Verdict != _report.Verdict || !report.Confirmed.SequenceEqual(_report.Confirmed)
                || !report.Candidates.SequenceEqual(_report.Candidates);
            if (hasChanged) Volatile.Write(ref _report, report);
        }

        if (!hasChanged) return;
        DiscoveryLog.ReachabilityChanged(_logger, _report.Verdict, _report.Confirmed.Count, _report.Candidates.Count);
        _changed();
    }

    private bool IsCandidate(Multiaddr address) =>
        AddressScopes.Of(address) is { } scope && (scope == AddressScope.Public || _options.AllowPrivateAddresses);

    private async ValueTask AskOneAsync(CancellationToken cancellationToken)
    {
        PeerConnection[] servers = [.. _host.Connections.Where(IsServer)];
        for (int i = 0; i < servers.Length; i++)
        {
            PeerConnection server = servers[(_nextServer + i) % servers.Length];
            if (server.RemoteAddress.HostAddress is not { } ip) continue;
            string group = AddressScopes.GroupOf(ip);
            IReadOnlyList<Multiaddr> addresses;
            lock (_lock) addresses = _state.ToAsk(group, _time.GetUtcNow());
            if (addresses.Count == 0) continue;
            _nextServer = (_nextServer + i + 1) % servers.Length;
            await AskAsync(server, group, addresses, cancellationToken).ConfigureAwait(false);
            return;
        }
    }

    private async ValueTask AskAsync(PeerConnection server, string group, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken)
    {
        try
        {
            if (await _client.AskAsync(server, addresses, cancellationToken).ConfigureAwait(false) is not { } answer) return;
            lock (_lock) _state.Add(answer.Address, group, answer.Reached, _time.GetUtcNow());
            Refresh();
        }
        catch (Exception e) when (e is AutoNatException or ConnectionException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            DiscoveryLog.QuestionFailed(_logger, server.RemotePeer, e.Message);
        }
    }

    // A server on the LAN would find what nobody outside does.
    private bool IsServer(PeerConnection connection) =>
        _host.FindPeerInfo(connection) is { } info && info.Protocols.Contains(AutoNatProtocol.DialRequest)
        && AddressScopes.Of(connection.RemoteAddress) is { } scope && (scope == AddressScope.Public || _options.AllowPrivateAddresses);

    private static bool HasFamily(AddressFamily family) => family switch
    {
        AddressFamily.InterNetwork => Socket.OSSupportsIPv4,
        AddressFamily.InterNetworkV6 => Socket.OSSupportsIPv6,
        _ => false,
    };
}
