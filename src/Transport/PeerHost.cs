using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Overlay.Transport.Connections;
using Overlay.Transport.Diagnostics;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;
using Overlay.Transport.Perf;
using Overlay.Transport.Ping;
using Overlay.Transport.Resources;
using Overlay.Transport.Tcp;

namespace Overlay.Transport;

/// <summary>One peer of the network: listens, dials, keeps the connections, and hands inbound streams to their protocols' handlers.</summary>
/// <remarks>
/// Safe on several threads. Speaks identify, identify/push and ping of itself, perf when switched on. Split by task: this file composes and shuts down,
/// <c>PeerHost.Dialling.cs</c> and <c>PeerHost.Listening.cs</c> bring connections, <c>PeerHost.Connections.cs</c> keeps them, <c>PeerHost.Trimming.cs</c>
/// lets go of those that the node could do without, <c>PeerHost.Watching.cs</c> tells of changes.
/// </remarks>
public sealed partial class PeerHost : IAsyncDisposable
{
    private readonly PeerIdentity _identity;
    private readonly TransportOptions _options;
    private readonly IReadOnlyList<IByteTransport> _transports;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TransportMetrics _metrics;
    private readonly ResourceBudget _budget;
    private readonly PeerConnector _connector;
    private readonly IdentifyProtocol _identify;
    private readonly ConnectionTable _table;
    private readonly CancellationTokenSource _stopping = new();
    private readonly BackgroundTasks _background = new();
    private readonly ConcurrentDictionary<PeerConnection, PeerInfo> _infos = new();
    private readonly ConcurrentDictionary<PeerConnection, Lazy<Task<PeerInfo>>> _exchanges = new();
    private int _disposed;

    /// <summary>Makes a host that does nothing until it is told to listen or dial.</summary>
    /// <param name="identity">The host's own key pair. The caller disposes it after the host.</param>
    /// <param name="options">Limits and deadlines; defaults where null.</param>
    /// <param name="transports">Ways to reach addresses; TCP alone where null.</param>
    /// <param name="timeProvider">The clock of every deadline; the system's where null.</param>
    /// <param name="loggerFactory">Where logs go; nowhere where null.</param>
    /// <param name="meterFactory">Makes the meter <c>Overlay.Transport</c>.</param>
    /// <exception cref="ArgumentException">The options' marks of trimming contradict each other.</exception>
    public PeerHost(
        PeerIdentity identity, TransportOptions? options = null, IEnumerable<IByteTransport>? transports = null,
        TimeProvider? timeProvider = null, ILoggerFactory? loggerFactory = null, IMeterFactory? meterFactory = null)
    {
        ArgumentNullException.ThrowIfNull(identity);
        _identity = identity;
        _options = options ?? new TransportOptions();
        _transports = transports is null ? [new TcpTransport()] : [.. transports];
        _time = timeProvider ?? TimeProvider.System;
        _logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("Overlay.Transport");
        _budget = new ResourceBudget(_options.Resources, _time);
        _trimRule = new TrimRule(_options.Trimming, _options.Resources.Node.MaxConnectionCount);
        _tags = new PeerTags(_options.Trimming);
        _metrics = new TransportMetrics(meterFactory, _budget.TakeSnapshot);
        _table = new ConnectionTable(identity.PeerId);
        Protocols = new ProtocolRegistry();
        _connector = new PeerConnector(identity, Protocols, _options, _time, _metrics, _logger);
        _identify = new IdentifyProtocol(identity.PublicKey, _options.Identify, _time, DescribeSelf);

        Protocols.Handle(IdentifyProtocol.Id, _identify.AnswerAsync, maxStreamsPerConnection: 4);
        Protocols.Handle(IdentifyProtocol.PushId, TakePushAsync, maxStreamsPerConnection: 2);
        Protocols.Handle(PingProtocol.Id, PingProtocol.AnswerAsync, PingProtocol.MaxInboundStreams, neverBlocks: true);
        if (_options.ServePerf) Protocols.Handle(PerfProtocol.Id, PerfProtocol.AnswerAsync, PerfProtocol.MaxInboundStreams);
        Protocols.Changed = PushToAll;
        _trimming = TrimLoopAsync();
    }

    /// <summary>This host's name.</summary>
    public PeerId PeerId => _identity.PeerId;

    /// <summary>The protocols for which this host takes streams; add your own.</summary>
    public ProtocolRegistry Protocols { get; }

    /// <summary>What the node, its peers, their addresses and protocols hold at this moment, and what was refused (<see cref="TransportOptions.Resources"/>). Each reading takes a new one.</summary>
    public ResourceSnapshot Resources => _budget.TakeSnapshot();

    /// <summary>Stops listening, tells every peer goodbye, lets open streams end for <see cref="TransportOptions.CloseTimeout"/>, then closes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        Protocols.Changed = null;
        await _stopping.CancelAsync().ConfigureAwait(false);
        EndWatching();
        await StopListeningAsync().ConfigureAwait(false);
        await _trimming.ConfigureAwait(false);
        using (var grace = new CancellationTokenSource(_options.CloseTimeout, _time))
            await Task.WhenAll(_table.All.Select(connection => CloseAsync(connection, grace.Token))).ConfigureAwait(false);
        foreach (MuxedPeerConnection connection in _table.All) connection.Abort("The host is stopping.");
        await _background.DrainAsync().ConfigureAwait(false);
        await _connector.DisposeAsync().ConfigureAwait(false);
        _metrics.Dispose();
        _stopping.Dispose();
    }

    private static async Task CloseAsync(MuxedPeerConnection connection, CancellationToken grace)
    {
        try
        {
            await connection.CloseAsync(grace).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConnectionException or OperationCanceledException)
        {
            connection.Abort("The peer did not let go in time.");
        }
    }
}
