using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Market.Buying;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Using;

/// <summary>The consumer's sessions, at most one with each provider: opened when first wished for, opened anew when lost, closed with a last receipt.</summary>
/// <remarks>
/// Which provider is used says the directory; connections of one name keep to one (<see cref="ExitWish.Session"/>) until it fails, and then go on to the next at once.
/// Safe on several threads. Owns the sessions; the connections are the host's.
/// </remarks>
internal sealed class ExitSessions : IAsyncDisposable
{
    // Dialling and opening a session; then reaching the target, for which an exit has 5 s to resolve its name and 10 s to dial.
    private static readonly TimeSpan s_openTime = TimeSpan.FromSeconds(8), s_connectTime = TimeSpan.FromSeconds(18);

    // Targets that an exit may find fault with, one after another, before another exit is asked whether it is so.
    private const int MaxBlames = 3;

    private readonly PeerHost _peers;
    private readonly IExitDirectory _exits;
    private readonly ConsumerSessions _sessions;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ExitChoices _choices;
    private readonly SessionWatch _watch;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<PeerId, ProviderSession> _providers = [];
    private int _disposed;

    /// <param name="peers">Brings the connections.</param>
    /// <param name="exits">Knows the providers.</param>
    /// <param name="sessions">Opens the sessions; then this object's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where opened and failed sessions are told.</param>
    internal ExitSessions(PeerHost peers, IExitDirectory exits, ConsumerSessions sessions, TimeProvider time, ILogger logger)
    {
        _peers = peers;
        _exits = exits;
        _sessions = sessions;
        _logger = logger;
        _time = time;
        _choices = new ExitChoices(exits);
        _watch = new SessionWatch(exits, time);
    }

    /// <summary>Connects to targets through whichever provider fits the wish.</summary>
    internal ITargetConnector For(ExitWish wish) => new Connector(this, wish);

    /// <summary>Closes all sessions with last receipts, as far as their own deadline allows.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        ProviderSession[] providers;
        lock (_lock) providers = [.. _providers.Values];
        await Task.WhenAll(providers.Select(provider => provider.CloseAsync())).ConfigureAwait(false);
        await _sessions.DisposeAsync().ConfigureAwait(false);
        await _watch.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async ValueTask<MeteredStream> ConnectAsync(ExitWish wish, string host, int port, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        IOException? failure = null;
        HashSet<PeerId> tried = [], blaming = [];
        // What one exit's rules forbid is not worth a search for others.
        while (await _choices.NextAsync(wish, tried, searches: failure is not ConnectRefusedException, either.Token).ConfigureAwait(false) is { } exit)
        {
            tried.Add(exit.Peer);
            ProviderSession provider = ProviderOf(exit.Peer);
            try
            {
                MeteredStream stream = await ConnectAsync(provider, exit, wish, host, port, either.Token).ConfigureAwait(false);
                provider.Blames = 0;
                foreach (PeerId liar in blaming) Fail(liar, "It blamed a target that another exit reaches.", brokeItsWord: false);
                return stream;
            }
            catch (ConnectRefusedException e) when (IsOfTheProvider(e.Code))
            {
                // Its own limits and not the target: the next may have others.
                failure = e;
            }
            catch (ConnectRefusedException e)
            {
                if (++provider.Blames <= MaxBlames) throw;
                // So many targets in a row are not all at fault: the next exit shows it.
                failure = e;
                blaming.Add(exit.Peer);
            }
            catch (OverlayException e) when (e.InnerException is LedgerException or SessionException { Reason: SessionError.Ledger, IsTold: false })
            {
                // This node's own disk: no other exit would be of help.
                throw;
            }
            catch (OverlayException e)
            {
                failure = e;
                // Who has other terms than this wish may have those of the next; and without any connection it is this node that is cut off.
                if (e.InnerException is null or SessionException { Reason: SessionError.WrongTerms } || (e.Reason == OverlayError.ProviderUnreachable && _peers.Connections.Count == 0)) continue;
                Fail(exit.Peer, e.Message, e.InnerException is SessionException error && SessionWatch.BreaksItsWord(error));
            }
        }

        throw failure ?? new OverlayException(OverlayError.NoProvider, wish switch
        {
            { Provider: { } wished } => $"No way to {wished} is known.",
            { Region: var region, MaxPricePerGiB: { } max } => $"No exit was found in {region} for at most {max} credits a GiB.",
            _ => $"No exit was found in {wish.Region}.",
        });
    }

    private void Fail(PeerId provider, string reason, bool brokeItsWord)
    {
        _exits.Failed(provider, reason, brokeItsWord);
        _choices.Leave(provider);
    }

    private static bool IsOfTheProvider(ConnectCode code) => code is ConnectCode.Policy or ConnectCode.Credit or ConnectCode.Capacity or ConnectCode.OwnerBusy;

    private async ValueTask<MeteredStream> ConnectAsync(ProviderSession provider, Exit exit, ExitWish wish, string host, int port, CancellationToken cancellationToken)
    {
        // A session that was lost since its last use shows only now; the provider gets one more chance with a new one.
        for (int attempt = 0; ; attempt++)
        {
            ConsumerSession session = await WithinAsync(s_openTime, exit.Peer, token => SessionAsync(provider, exit, wish, token), cancellationToken).ConfigureAwait(false);
            try
            {
                return await WithinAsync(s_connectTime, exit.Peer, token => session.ConnectAsync(host, port, token), cancellationToken).ConfigureAwait(false);
            }
            catch (IOException e) when (e is not ConnectRefusedException)
            {
                await provider.DropAsync(session).ConfigureAwait(false);
                if (e is OverlayException) throw;
                if (attempt > 0) throw new OverlayException(OverlayError.SessionEnded, $"The session with {exit.Peer} ended: {e.Message}", e) { Peer = exit.Peer };
            }
        }
    }

    /// <summary>An exit that does not answer must not use up the time in which another would.</summary>
    private async ValueTask<T> WithinAsync<T>(TimeSpan time, PeerId provider, Func<CancellationToken, ValueTask<T>> step, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(time, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await step(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new OverlayException(OverlayError.ProviderUnreachable, $"The provider {provider} did not answer within {time.TotalSeconds:0} s.", e) { Peer = provider };
        }
    }

    private ProviderSession ProviderOf(PeerId peer)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            if (_providers.TryGetValue(peer, out ProviderSession? provider)) return provider;
            // Providers whose session is over, and that nobody is just about to use.
            foreach (ProviderSession idle in _providers.Values.Where(known => known.IsIdle).ToList()) _providers.Remove(idle.Peer);
            _providers.Add(peer, provider = new ProviderSession(peer));
            return provider;
        }
    }

    private async ValueTask<ConsumerSession> SessionAsync(ProviderSession provider, Exit exit, ExitWish wish, CancellationToken cancellationToken)
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

            provider.Session = await OpenAsync(exit, wish, cancellationToken).ConfigureAwait(false);
            _watch.Add(provider.Peer, provider.Session);
            return provider.Session;
        }
        finally
        {
            provider.Gate.Release();
        }
    }

    private async ValueTask<ConsumerSession> OpenAsync(Exit exit, ExitWish wish, CancellationToken cancellationToken)
    {
        PeerConnection connection;
        try
        {
            connection = await _peers.ConnectAsync(exit.Peer, exit.Addresses, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectionException e)
        {
            throw new OverlayException(OverlayError.ProviderUnreachable, $"The provider {exit.Peer} cannot be reached: {e.Message}", e) { Peer = exit.Peer };
        }

        try
        {
            ConsumerSession session = await OpenAsync(connection, exit.Offer, wish, cancellationToken).ConfigureAwait(false);
            _exits.Opened(exit.Peer, session.Offer.PricePerGiB);
            UsingLog.SessionOpened(_logger, exit.Peer, session.Offer.PricePerGiB);
            return session;
        }
        catch (Exception e) when (e is ConnectionException or SessionException or LedgerException)
        {
            throw new OverlayException(OverlayError.ProviderRefused, $"The provider {exit.Peer} opened no session: {e.Message}", e) { Peer = exit.Peer };
        }
    }

    private async ValueTask<ConsumerSession> OpenAsync(PeerConnection connection, Offer? made, ExitWish wish, CancellationToken cancellationToken)
    {
        var terms = new SessionWish { Region = wish.Region.Code, MaxPricePerGiB = Price.ToMicroCredits(wish.MaxPricePerGiB ?? Price.Max) };
        try
        {
            return await _sessions.OpenAsync(connection, terms, cancellationToken, made).ConfigureAwait(false);
        }
        catch (SessionException e) when (made is not null && e.Reason == SessionError.StaleOffer)
        {
            // It has run out by the provider's clock, or the provider was started anew: its word of now counts, unless it would cost more than what it was chosen for.
            terms = terms with { MaxPricePerGiB = Math.Min(terms.MaxPricePerGiB, made.PricePerGiB) };
            return await _sessions.OpenAsync(connection, terms, cancellationToken).ConfigureAwait(false);
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

    /// <summary>The session with a provider. <see cref="Gate"/> guards <see cref="Session"/>.</summary>
    private sealed class ProviderSession(PeerId peer)
    {
        internal PeerId Peer => peer;

        internal SemaphoreSlim Gate { get; } = new(1, 1);

        internal ConsumerSession? Session { get; set; }

        /// <summary>Targets in a row that it says cannot be reached. Several connects may count at once and one be lost: it is no more than a hint.</summary>
        internal int Blames { get; set; }

        /// <summary>Whether nothing is lost when it is forgotten; a session that is begun in this moment would only not be shared.</summary>
        internal bool IsIdle => Gate.CurrentCount == 1 && Session is null or { Completion.IsCompleted: true };

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
