using System.Diagnostics;
using Overlay.Transport.Connections;
using Overlay.Transport.Diagnostics;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;
using Overlay.Transport.Perf;
using Overlay.Transport.Ping;

namespace Overlay.Transport;

public sealed partial class PeerHost
{
    // Twice this long without a stream, and a surplus connection goes. Long beside any round trip.
    private static readonly TimeSpan s_surplusGrace = TimeSpan.FromSeconds(5);

    // What a signed record holds at most, by the default of its limits; identify tells no more than is signed.
    private const int MaxRecordAddressCount = 64;

    private readonly Lock _recordLock = new();
    private SelfRecord? _selfRecord;
    private ulong _lastSequence;

    /// <summary>The established connections.</summary>
    public IReadOnlyList<PeerConnection> Connections => _table.All;

    /// <summary>The preferred connection to a peer, or null. Both ends prefer the same one.</summary>
    public PeerConnection? FindConnection(PeerId peer) => _table.FindPreferred(peer ?? throw new ArgumentNullException(nameof(peer)));

    /// <summary>Asks a connected peer what it is. Callers that ask at once, the host's own question after connecting included, share one exchange.</summary>
    /// <remarks>Some implementations answer one such question at a time and reset a second.</remarks>
    /// <exception cref="ConnectionException">The peer does not answer, or not as the specification says.</exception>
    public async ValueTask<PeerInfo> IdentifyAsync(PeerConnection connection, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        Lazy<Task<PeerInfo>> exchange = _exchanges.GetOrAdd(connection, c => new Lazy<Task<PeerInfo>>(() => ExchangeAsync(c)));
        return await exchange.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What is known of the peer at the other end of a connection, from identify and later pushes; null before the first answer.</summary>
    public PeerInfo? FindPeerInfo(PeerConnection connection) => _infos.GetValueOrDefault(connection ?? throw new ArgumentNullException(nameof(connection)));

    /// <summary>Measures round trips with the ping protocol on one stream, which is opened at the first element.</summary>
    /// <param name="connection">To whom.</param>
    /// <param name="count">How many, one after another.</param>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    /// <exception cref="ConnectionException">The peer does not answer, or not with the bytes sent.</exception>
    public async IAsyncEnumerable<TimeSpan> PingAsync(
        PeerConnection connection, int count, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        PeerStream stream = await connection.OpenStreamAsync(PingProtocol.Id, cancellationToken).ConfigureAwait(false);
        await using System.Runtime.CompilerServices.ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        for (int i = 0; i < count; i++)
        {
            using var deadline = new Deadline(_options.NegotiationTimeout, _time, cancellationToken);
            yield return await deadline.RunAsync(ct => PingProtocol.PingAsync(stream, _time, ct), ConnectionStep.Stream, "the ping").ConfigureAwait(false);
        }

        await stream.Output.CompleteAsync().ConfigureAwait(false);
    }

    /// <summary>Measures throughput with the perf protocol: first the upload, then the download.</summary>
    /// <param name="connection">To whom; that peer must serve perf.</param>
    /// <param name="upload">Bytes to send.</param>
    /// <param name="download">Bytes to receive.</param>
    /// <param name="progress">Told of every piece, in bytes; or null.</param>
    /// <param name="cancellationToken">Gives up and resets the stream.</param>
    /// <exception cref="ConnectionException">The peer does not serve perf, or sent another number of bytes.</exception>
    public async ValueTask<PerfResult> MeasureAsync(
        PeerConnection connection, ulong upload, ulong download, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        PeerStream stream = await connection.OpenStreamAsync(PerfProtocol.Id, cancellationToken).ConfigureAwait(false);
        await using System.Runtime.CompilerServices.ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        return await PerfProtocol.RunAsync(stream, upload, download, _time, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes an upgraded connection, which the budget has admitted, into the table and begins to serve it.</summary>
    /// <exception cref="ConnectionException">The host is stopping; the connection is closed.</exception>
    private void Adopt(MuxedPeerConnection connection)
    {
        if (_stopping.IsCancellationRequested)
        {
            connection.Abort("The host is stopping.");
            _background.Add(connection.RunAsync());
            throw new ConnectionException(ConnectionError.Closed, ConnectionStep.Connection, Fault.Local, "The host is stopping.") { Peer = connection.RemotePeer };
        }

        _table.Add(connection);
        TransportLog.Connected(_logger, connection.RemotePeer, connection.RemoteAddress, connection.Direction);
        _metrics.ConnectionOpened(connection.Direction);
        TellWatchers();
        _background.Add(Task.Run(() => ServeAsync(connection), CancellationToken.None));
        // The host may have begun to stop since it was asked above, and have looked through the table already.
        if (_stopping.IsCancellationRequested) connection.Abort("The host is stopping.");
        ResolveSimultaneousDial(connection);
        if (_table.Count >= _trimRule.HighWater) _trimSignal.Writer.TryWrite(true);
    }

    private async Task ServeAsync(MuxedPeerConnection connection)
    {
        // What the peer has asked for already, its own identify above all, does not wait for this side's question to be on its way.
        Task running = connection.RunAsync();
        Task identifying = _options.IdentifyOnConnect ? IdentifyQuietlyAsync(connection) : Task.CompletedTask;
        await running.ConfigureAwait(false);
        await identifying.ConfigureAwait(false);
        _table.Remove(connection);
        _infos.TryRemove(connection, out _);
        _metrics.ConnectionClosed(connection.Direction);
        TellWatchers();
        TransportLog.Disconnected(_logger, connection.RemotePeer, connection.Error?.Reason ?? ConnectionError.Closed, connection.Error?.Message ?? "closed");
    }

    /// <summary>One identify exchange, ended by the connection's end or its own deadline and not by a caller who gives up.</summary>
    private async Task<PeerInfo> ExchangeAsync(PeerConnection connection)
    {
        try
        {
            PeerInfo info = await _identify.QueryAsync(connection, connection.Closed).ConfigureAwait(false);
            if (!connection.Closed.IsCancellationRequested)
            {
                _infos[connection] = info;
                TellWatchers();
            }

            return info;
        }
        finally
        {
            _exchanges.TryRemove(connection, out _);
        }
    }

    private async Task IdentifyQuietlyAsync(MuxedPeerConnection connection)
    {
        try
        {
            await IdentifyAsync(connection, connection.Closed).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConnectionException or OperationCanceledException or ObjectDisposedException)
        {
            TransportLog.IdentifyFailed(_logger, connection.RemotePeer, e.Message);
        }
    }

    /// <summary>Gives up one of two connections that came of both sides dialling at once, once nobody uses it.</summary>
    private void ResolveSimultaneousDial(MuxedPeerConnection added)
    {
        bool dialling;
        lock (_dialLock) dialling = _dials.ContainsKey(added.RemotePeer);
        if (!dialling || _table.FindSurplus(added) is not { } surplus) return;
        TransportLog.SimultaneousDialResolved(_logger, surplus.RemotePeer, surplus.Direction);
        _background.Add(CloseWhenUnusedAsync(surplus));
    }

    /// <summary>Closes a connection that is no longer preferred. Whoever was just given it may still begin to use it, so it must have stood without streams for a while.</summary>
    private async Task CloseWhenUnusedAsync(MuxedPeerConnection connection)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, connection.Closed);
        try
        {
            bool wasUnused = false;
            while (true)
            {
                await Task.Delay(s_surplusGrace, _time, either.Token).ConfigureAwait(false);
                bool isUnused = connection.StreamCount == 0;
                if (isUnused && wasUnused) break;
                wasUnused = isUnused;
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }

        await CloseAsync(connection, _stopping.Token).ConfigureAwait(false);
    }

    private PeerInfo DescribeSelf(PeerConnection connection)
    {
        IReadOnlyList<Multiaddr> addresses =
        [
            .. (AnnouncedAddresses?.Invoke(connection) ?? ListenAddresses).Select(a => a.WithoutPeerId())
                .Take(Math.Min(_options.Identify.MaxAddressCount, MaxRecordAddressCount)),
        ];
        return new PeerInfo
        {
            PeerId = PeerId,
            AgentVersion = _options.Identify.AgentVersion,
            ProtocolVersion = _options.Identify.ProtocolVersion,
            ListenAddresses = addresses,
            Protocols = Protocols.Names,
            ObservedAddress = connection.RemoteAddress,
            SignedPeerRecord = SignedRecordOf(addresses),
        };
    }

    /// <summary>The signed record of addresses, signed anew only when they are not those told last: a signature for each dial is a tenth of its time.</summary>
    /// <remarks>An earlier record must not be told again, though its addresses hold again: whoever has heard of a later one would refuse it (RFC 0003).</remarks>
    private byte[] SignedRecordOf(IReadOnlyList<Multiaddr> addresses)
    {
        lock (_recordLock)
        {
            if (_selfRecord is { } made && made.Addresses.SequenceEqual(addresses)) return made.Envelope;
            // The sequence must grow with every record; the clock does, also across restarts (RFC 0003), but two records can fall into one of its ticks.
            _lastSequence = Math.Max(_lastSequence + 1, (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds());
            _selfRecord = new SelfRecord(addresses, SignedPeerRecord.Create(_identity, addresses, _lastSequence));
            return _selfRecord.Envelope;
        }
    }

    private sealed record SelfRecord(IReadOnlyList<Multiaddr> Addresses, byte[] Envelope);

    private async Task TakePushAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        if (stream.Connection is MuxedPeerConnection connection && !connection.TryTakePush())
            throw new ConnectionException(ConnectionError.LimitExceeded, ConnectionStep.Stream, Fault.Peer, "The peer pushes too often.") { Peer = stream.RemotePeer };
        PeerInfo known = FindPeerInfo(stream.Connection) ?? new PeerInfo { PeerId = stream.RemotePeer };
        PeerInfo merged = await _identify.ReceivePushAsync(stream, known, cancellationToken).ConfigureAwait(false);
        if (stream.Connection.Closed.IsCancellationRequested) return;
        _infos[stream.Connection] = merged;
        TellWatchers();
    }

    /// <summary>Tells the peers that take pushes that this host's addresses or protocols have changed.</summary>
    private void PushToAll()
    {
        if (_stopping.IsCancellationRequested) return;
        foreach (MuxedPeerConnection connection in _table.All)
            if (FindPeerInfo(connection)?.Protocols.Contains(IdentifyProtocol.PushId) == true) _background.Add(PushQuietlyAsync(connection));
    }

    private async Task PushQuietlyAsync(MuxedPeerConnection connection)
    {
        try
        {
            await _identify.PushAsync(connection, connection.Closed).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConnectionException or OperationCanceledException or ObjectDisposedException)
        {
            TransportLog.IdentifyFailed(_logger, connection.RemotePeer, e.Message);
        }
    }
}
