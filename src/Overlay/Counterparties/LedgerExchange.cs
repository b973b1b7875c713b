using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sealing;
using Overlay.Sessions;
using Overlay.Transport.Connections;

namespace Overlay.Counterparties;

/// <summary>Asks each peer with which there is a session for its newest block and for what it knows of this node's own, in the background, and knows who has forked.</summary>
/// <remarks>Safe on several threads. Both sides of a session do this, so neither has to push anything.</remarks>
internal sealed class LedgerExchange : ICounterpartyLedgers, IAsyncDisposable
{
    private readonly ILedgerStore _store;
    private readonly ExchangeOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ChainCheck _check;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _running = new();
    private readonly Lock _lock = new(); // guards the one below, and who begins and who stops
    private readonly ConditionalWeakTable<PeerConnection, StrongBox<DateTimeOffset>> _met = [];

    internal LedgerExchange(PublicKey self, ILedgerStore store, LedgerSealer sealer, ExchangeOptions options, TimeProvider time, ILogger logger)
    {
        _store = store;
        _options = options;
        _time = time;
        _logger = logger;
        _check = new ChainCheck(self, store, sealer, options, logger);
    }

    /// <summary>Awaited with the key of a peer that was found to have forked.</summary>
    internal Func<PublicKey, Task>? ForkFound
    {
        get => _check.ForkFound;
        set => _check.ForkFound = value;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> HasForkedAsync(PublicKey peer, CancellationToken cancellationToken) =>
        await SessionLink.ReadAsync(() => _store.HasForkedAsync(peer, cancellationToken)).ConfigureAwait(false);

    /// <inheritdoc/>
    public void Meet(PeerConnection connection)
    {
        lock (_lock)
        {
            DateTimeOffset now = _time.GetUtcNow();
            StrongBox<DateTimeOffset> last = _met.GetValue(connection, _ => new StrongBox<DateTimeOffset>(DateTimeOffset.MinValue));
            if (_stopping.IsCancellationRequested || _running.Count >= _options.MaxExchanges || (last.Value != DateTimeOffset.MinValue && now - last.Value < _options.Interval)) return;
            last.Value = now;
            _running.Run(() => TryExchangeAsync(connection));
        }
    }

    /// <summary>Ends what runs.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock) _stopping.Cancel();
        await _running.DrainAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    /// <summary>One exchange on a connection.</summary>
    internal async ValueTask ExchangeAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        if (SessionLink.ProvedKey(connection) is not { } peer) return;
        PeerStream stream = await connection.OpenStreamAsync(LedgerProtocol.Name, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposing = stream.ConfigureAwait(false);
        await _check.RunAsync(peer, new LedgerQuery(stream, _options, _time), cancellationToken).ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);
    }

    private async Task TryExchangeAsync(PeerConnection connection)
    {
        using var deadline = new CancellationTokenSource(_options.MaxDuration, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _stopping.Token);
        try
        {
            await ExchangeAsync(connection, either.Token).ConfigureAwait(false);
            ExchangeLog.Done(_logger, connection.RemotePeer);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or LedgerException)
        {
            // A peer of an older build speaks no such protocol, and a connection may end at any time.
            ExchangeLog.Failed(_logger, connection.RemotePeer, e.Message);
        }
    }
}
