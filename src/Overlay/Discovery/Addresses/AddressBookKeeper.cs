using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;

namespace Overlay.Discovery.Addresses;

/// <summary>Writes an address book and the list of connections to their store from time to time, and once more at the end.</summary>
/// <remarks>One task, its own. A store that cannot be written is told of once, and tried again.</remarks>
internal sealed class AddressBookKeeper : IAsyncDisposable
{
    // Programs that show the connections look once a second at most.
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    // Round trips are measured all the time. Where they are all that has changed, the list is not worth a write more often than this.
    private static readonly TimeSpan s_latencyPause = TimeSpan.FromMinutes(1);

    private readonly AddressBook _book;
    private readonly IAddressBookStore _store;
    private readonly AddressBookOptions _options;
    private readonly Func<IReadOnlyList<NetworkPeer>> _peers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private IReadOnlyList<NetworkPeer>? _lastPeers;
    private DateTimeOffset _lastPeersAt;
    private DateTimeOffset _failedAt = DateTimeOffset.MinValue;
    private bool _toldOfFault;

    /// <param name="book">What to keep.</param>
    /// <param name="store">Where; then this object's.</param>
    /// <param name="options">How often.</param>
    /// <param name="peers">Who is connected now.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where faults are told.</param>
    internal AddressBookKeeper(AddressBook book, IAddressBookStore store, AddressBookOptions options, Func<IReadOnlyList<NetworkPeer>> peers,
        TimeProvider time, ILogger logger)
    {
        _book = book;
        _store = store;
        _options = options;
        _peers = peers;
        _time = time;
        _logger = logger;
        _running = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        await SaveBookAsync().ConfigureAwait(false);
        await SavePeersAsync([]).ConfigureAwait(false);
        await _store.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        DateTimeOffset nextFlush = _time.GetUtcNow() + _options.FlushInterval;
        try
        {
            while (true)
            {
                await SavePeersAsync(_peers()).ConfigureAwait(false);
                if (_time.GetUtcNow() >= nextFlush)
                {
                    nextFlush = _time.GetUtcNow() + _options.FlushInterval;
                    await SaveBookAsync().ConfigureAwait(false);
                }

                await Task.Delay(s_pause, _time, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    private async ValueTask SaveBookAsync()
    {
        (IReadOnlyList<PeerEntry> changed, IReadOnlyList<Transport.Identity.PeerId> removed) = _book.TakeChanges();
        if (changed.Count + removed.Count == 0) return;
        if (!await TryAsync(() => _store.SaveAsync(changed, removed, CancellationToken.None)).ConfigureAwait(false)) _book.TakeBack(changed, removed);
    }

    private async ValueTask SavePeersAsync(IReadOnlyList<NetworkPeer> peers)
    {
        if (ReferenceEquals(peers, _lastPeers) || (peers.Count == 0 && _lastPeers is null or { Count: 0 })) return;
        DateTimeOffset now = _time.GetUtcNow();
        if (_lastPeers is { } last && now - _lastPeersAt < s_latencyPause && last.Select(WithoutFigures).SequenceEqual(peers.Select(WithoutFigures))) return;
        // A store that cannot be written is tried again once a minute; at the end once more.
        if (now - _failedAt < s_latencyPause && !_stopping.IsCancellationRequested) return;
        if (!await TryAsync(() => _store.SaveConnectionsAsync(peers, CancellationToken.None)).ConfigureAwait(false))
        {
            _failedAt = now;
            return;
        }

        _lastPeers = peers;
        _lastPeersAt = now;
    }

    // That there is a round trip at last is told at once.
    private static NetworkPeer WithoutFigures(NetworkPeer peer) => peer.Latency is null ? peer : peer with { Latency = TimeSpan.Zero };

    private async ValueTask<bool> TryAsync(Func<ValueTask> save)
    {
        try
        {
            await save().ConfigureAwait(false);
            return true;
        }
        catch (AddressBookException e)
        {
            if (!_toldOfFault) DiscoveryLog.BookNotKept(_logger, e.Message);
            _toldOfFault = true;
            return false;
        }
    }
}
