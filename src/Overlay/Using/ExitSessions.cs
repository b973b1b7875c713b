using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Using;

/// <summary>The consumer's sessions, at most one with each provider: opened when first wished for, opened anew when lost, closed with a last receipt.</summary>
/// <remarks>Safe on several threads. Owns the sessions; the connections are the host's.</remarks>
internal sealed class ExitSessions : IAsyncDisposable
{
    private readonly PeerHost _peers;
    private readonly ConsumerSessions _sessions;
    private readonly ILogger _logger;
    private readonly IReadOnlyList<KnownProvider> _providers;
    private readonly CancellationTokenSource _stopping = new();
    private int _disposed;

    /// <param name="peers">Brings the connections.</param>
    /// <param name="providers">Where providers are, each address ending in <c>/p2p/…</c>.</param>
    /// <param name="sessions">Opens the sessions; then this object's.</param>
    /// <param name="logger">Where opened and failed sessions are told.</param>
    internal ExitSessions(PeerHost peers, IEnumerable<Multiaddr> providers, ConsumerSessions sessions, ILogger logger)
    {
        _peers = peers;
        _sessions = sessions;
        _logger = logger;
        _providers = [.. providers.GroupBy(address => address.PeerId!).Select(group => new KnownProvider(group.Key, [.. group]))];
    }

    /// <summary>Connects to targets through whichever provider fits the wish.</summary>
    internal ITargetConnector For(ExitWish wish) => new Connector(this, wish);

    /// <summary>Closes all sessions with last receipts, as far as their own deadline allows.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_providers.Select(provider => provider.CloseAsync())).ConfigureAwait(false);
        await _sessions.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async ValueTask<MeteredStream> ConnectAsync(ExitWish wish, string host, int port, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        OverlayException? failure = null;
        foreach (KnownProvider provider in _providers.Where(p => wish.Provider is null || p.Peer == wish.Provider))
        {
            // A session that was lost since its last use shows only now; the provider gets one more chance with a new one.
            for (int attempt = 0; attempt < 2; attempt++)
            {
                try
                {
                    return await ConnectOnceAsync(provider, wish, host, port, cancellationToken).ConfigureAwait(false);
                }
                catch (OverlayException e)
                {
                    failure = e;
                    if (e.Reason != OverlayError.SessionEnded) break;
                }
            }
        }

        throw failure ?? new OverlayException(OverlayError.NoProvider, wish.Provider is { } wished ? $"No address of {wished} is known." : "No provider is known.");
    }

    private async ValueTask<MeteredStream> ConnectOnceAsync(KnownProvider provider, ExitWish wish, string host, int port, CancellationToken cancellationToken)
    {
        ConsumerSession session = await SessionAsync(provider, wish, cancellationToken).ConfigureAwait(false);
        try
        {
            return await session.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (e is not ConnectRefusedException)
        {
            await provider.DropAsync(session).ConfigureAwait(false);
            throw new OverlayException(OverlayError.SessionEnded, $"The session with {provider.Peer} ended: {e.Message}", e) { Peer = provider.Peer };
        }
    }

    private async ValueTask<ConsumerSession> SessionAsync(KnownProvider provider, ExitWish wish, CancellationToken cancellationToken)
    {
        await provider.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (provider.Session is { Completion.IsCompleted: false } live)
            {
                Check(live.Offer, wish, provider.Peer);
                return live;
            }

            if (provider.Session is { } over)
            {
                provider.Session = null;
                await over.DisposeAsync().ConfigureAwait(false);
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
            return provider.Session = await OpenAsync(provider, wish, either.Token).ConfigureAwait(false);
        }
        finally
        {
            provider.Gate.Release();
        }
    }

    private async ValueTask<ConsumerSession> OpenAsync(KnownProvider provider, ExitWish wish, CancellationToken cancellationToken)
    {
        PeerConnection connection;
        try
        {
            connection = await _peers.ConnectAsync(provider.Peer, provider.Addresses, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectionException e)
        {
            throw new OverlayException(OverlayError.ProviderUnreachable, $"The provider {provider.Peer} cannot be reached: {e.Message}", e) { Peer = provider.Peer };
        }

        try
        {
            var terms = new SessionWish { Region = wish.Region.Code, MaxPricePerGiB = wish.MaxPricePerGiB is { } max ? Price.ToMicroCredits(max) : long.MaxValue };
            ConsumerSession session = await _sessions.OpenAsync(connection, terms, cancellationToken).ConfigureAwait(false);
            UsingLog.SessionOpened(_logger, provider.Peer, session.Offer.PricePerGiB);
            return session;
        }
        catch (Exception e) when (e is ConnectionException or SessionException or LedgerException)
        {
            throw new OverlayException(OverlayError.ProviderRefused, $"The provider {provider.Peer} opened no session: {e.Message}", e) { Peer = provider.Peer };
        }
    }

    private static void Check(Offer offer, ExitWish wish, PeerId peer)
    {
        if (wish.Region != Region.Anywhere && Region.Parse(offer.Region) != wish.Region)
            throw new OverlayException(OverlayError.ProviderRefused, $"The provider {peer} stands in {offer.Region}, not in {wish.Region}.") { Peer = peer };
        if (wish.MaxPricePerGiB is { } max && offer.PricePerGiB > Price.ToMicroCredits(max))
            throw new OverlayException(OverlayError.ProviderRefused, $"The provider {peer} asks {Price.ToCredits(offer.PricePerGiB)} credits a GiB, the limit is {max}.") { Peer = peer };
    }

    private sealed class Connector(ExitSessions sessions, ExitWish wish) : ITargetConnector
    {
        public ValueTask<MeteredStream> ConnectAsync(string host, int port, CancellationToken cancellationToken) =>
            sessions.ConnectAsync(wish, host, port, cancellationToken);
    }

    /// <summary>A provider whose addresses are known, and the session with it. <see cref="Gate"/> guards <see cref="Session"/>.</summary>
    private sealed class KnownProvider(PeerId peer, IReadOnlyList<Multiaddr> addresses)
    {
        internal PeerId Peer => peer;

        internal IReadOnlyList<Multiaddr> Addresses => addresses;

        internal SemaphoreSlim Gate { get; } = new(1, 1);

        internal ConsumerSession? Session { get; set; }

        /// <summary>Ends a session that has failed, if it is still the one in use.</summary>
        internal async ValueTask DropAsync(ConsumerSession session)
        {
            await Gate.WaitAsync().ConfigureAwait(false);
            try
            {
                if (Session == session) Session = null;
            }
            finally
            {
                Gate.Release();
            }

            await session.DisposeAsync().ConfigureAwait(false);
        }

        internal async Task CloseAsync()
        {
            await Gate.WaitAsync().ConfigureAwait(false);
            try
            {
                if (Session is { } session) await session.DisposeAsync().ConfigureAwait(false);
                Session = null;
            }
            finally
            {
                Gate.Release();
            }
        }
    }
}
