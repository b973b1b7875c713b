using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Sessions.Messages;
using Overlay.Transport;
using Overlay.Transport.Connections;

namespace Overlay.Sessions;

/// <summary>What a consumer asks of a session.</summary>
internal sealed record SessionWish
{
    /// <summary>Micro-credits for a GiB that it will pay at most; any price when unsaid.</summary>
    public ulong MaxPricePerGiB { get; init; } = long.MaxValue;

    /// <summary>Where the provider must say it is; <c>ZZ</c> for anywhere.</summary>
    public string Region
    {
        get;
        init => field = Offer.IsRegion(value) ? value : throw new ArgumentException($"Region was '{value}'; allowed are two letters A to Z.", nameof(value));
    } = "ZZ";
}

/// <summary>Opens sessions with providers, settling first what an earlier one left open. One for a node's key and ledger.</summary>
/// <remarks>Safe on several threads. Knows which sessions live in this process: a session that a provider wants settled is first ended here.</remarks>
internal sealed class ConsumerSessions(
    ISigner signer, ILedgerStore store, SessionOptions options, TimeProvider time, SessionDiagnostics? diagnostics = null, PeerHost? peers = null,
    ICounterpartyLedgers? ledgers = null)
    : IAsyncDisposable
{
    private readonly SessionProtection _protection = new(peers);
    private readonly SessionDiagnostics _diagnostics = diagnostics ?? SessionDiagnostics.None;
    private readonly Lock _lock = new();
    private readonly Dictionary<Digest, ConsumerSession> _live = [];
    private readonly HashSet<Digest> _settling = [];

    /// <summary>Asks a provider for its terms.</summary>
    /// <exception cref="SessionException">It refused, or what came is no offer of its.</exception>
    internal async ValueTask<Offer> AskAsync(PeerConnection connection, SessionWish wish, CancellationToken cancellationToken)
    {
        PublicKey provider = SessionLink.ProvedKey(connection) ?? throw new SessionException(SessionError.WrongKey, "The provider's key is not Ed25519.");
        PeerStream stream = await connection.OpenStreamAsync(SessionProtocols.Offer, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposing = stream.ConfigureAwait(false);
        await stream.Output.WriteMessageAsync(new Ask(wish.Region).Encode(), cancellationToken).ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);
        byte[] bytes = await SessionLink.WithinAsync(options.AnswerTimeout, time, token => stream.Input.ReadMessageAsync(OfferAnswer.MaxSize, token), cancellationToken)
            .ConfigureAwait(false) ?? throw new SessionException(SessionError.ConnectionLost, "The provider ended the stream without an offer.");
        (SignedEnvelope? envelope, SessionMessage.Refuse? refusal) = OfferAnswer.Decode(bytes);
        if (refusal is not null) throw new SessionException(refusal.Code, $"The provider makes no offer: {refusal.Text}") { IsTold = true };
        if (envelope is null) throw new SessionException(SessionError.Malformed, "The provider's answer is no offer.");
        if (!Offer.TryOpen(envelope.Value, provider, out Offer? offer)) throw new SessionException(SessionError.BadSignature, "The offer is not validly signed by the provider.");
        return offer;
    }

    /// <summary>Opens a session on an offer, for which it asks unless the provider has made one.</summary>
    /// <exception cref="SessionException">The provider refused, its terms do not suit, or it broke a rule; or the own ledger takes no more writes.</exception>
    internal async ValueTask<ConsumerSession> OpenAsync(PeerConnection connection, SessionWish wish, CancellationToken cancellationToken, Offer? made = null)
    {
        SessionLink.ThrowIfReadOnly(store);
        if (ledgers is not null && SessionLink.ProvedKey(connection) is { } key && await ledgers.HasForkedAsync(key, cancellationToken).ConfigureAwait(false))
            throw new SessionException(SessionError.Forked, "The provider has signed two histories: its ledger has forked.");
        Offer offer = made ?? await AskAsync(connection, wish, cancellationToken).ConfigureAwait(false);
        if (offer.PricePerGiB > wish.MaxPricePerGiB)
            throw new SessionException(SessionError.WrongTerms, $"The provider asks {offer.PricePerGiB} micro-credits a GiB; at most {wish.MaxPricePerGiB} are wished for.");
        if (wish.Region != "ZZ" && offer.Region != wish.Region)
            throw new SessionException(SessionError.WrongTerms, $"The provider is in {offer.Region}, not {wish.Region}.");

        PeerStream stream = await connection.OpenStreamAsync(SessionProtocols.Session, cancellationToken).ConfigureAwait(false);
        try
        {
            ConsumerSession session = await OpenAsync(connection, stream, offer, cancellationToken).ConfigureAwait(false);
            ledgers?.Meet(connection);
            return session;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes the sessions with one provider with last receipts, within the options' time.</summary>
    internal async Task EndAsync(PublicKey provider)
    {
        ConsumerSession[] sessions;
        lock (_lock) sessions = [.. _live.Values.Where(session => session.Offer.Provider == provider)];
        await Task.WhenAll(sessions.Select(session => session.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    /// <summary>Closes all sessions with last receipts, within the options' time.</summary>
    public async ValueTask DisposeAsync()
    {
        ConsumerSession[] sessions;
        lock (_lock) sessions = [.. _live.Values];
        await Task.WhenAll(sessions.Select(session => session.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    private async ValueTask<ConsumerSession> OpenAsync(PeerConnection connection, PeerStream stream, Offer offer, CancellationToken cancellationToken)
    {
        byte[] secret = new byte[X25519.KeySize], ephemeral = new byte[X25519.KeySize], shared = new byte[X25519.KeySize];
        try
        {
            X25519.GenerateKeyPair(secret, ephemeral);
            SignedEnvelope open = new OpenBody(offer.Envelope, signer.PublicKey, ephemeral).Sign(signer, connection.HandshakeHash.Span);
            await stream.SendAsync(new SessionMessage.Open(open), cancellationToken).ConfigureAwait(false);
            for (int settled = 0; ; settled++)
            {
                switch (await stream.ReceiveAsync(options.AnswerTimeout, time, cancellationToken).ConfigureAwait(false))
                {
                    case SessionMessage.Settle claim when settled < options.MaxSettlements:
                        await SettleAsync(stream, claim, offer.Provider, cancellationToken).ConfigureAwait(false);
                        break;
                    case SessionMessage.Refuse refusal:
                        throw new SessionException(refusal.Code, $"The provider refused the session ({refusal.Code}): {refusal.Text}") { IsTold = true };
                    case SessionMessage.Accept accept:
                        if (!AcceptBody.TryOpen(accept.Envelope, offer.Provider, connection.HandshakeHash.Span, out AcceptBody? body))
                            throw new SessionException(SessionError.BadSignature, "The provider's Accept is not validly signed for this connection.");
                        if (body.SessionId != SessionId.Derive(connection.HandshakeHash.Span, offer.Id, ephemeral, body.EphemeralKey.Span)
                            || !X25519.TryAgree(secret, body.EphemeralKey.Span, shared))
                            throw new SessionException(SessionError.WrongSession, "The provider's Accept does not belong to this Open.");
                        return await StartAsync(connection, stream, offer, body.SessionId, BlindingSeed.Derive(shared, body.SessionId), cancellationToken).ConfigureAwait(false);
                    case var other:
                        throw new SessionException(SessionError.Malformed, $"The provider sent {other.GetType().Name} while a session was being opened.");
                }
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(shared);
        }
    }

    private async ValueTask<ConsumerSession> StartAsync(
        PeerConnection connection, PeerStream stream, Offer offer, Digest id, BlindingSeed seed, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        var record = new SessionRecord
        {
            SessionId = id,
            Role = LedgerRole.Consumer,
            Counterparty = offer.Provider,
            OfferId = offer.Id,
            PricePerGiB = offer.PricePerGiB,
            CreditWindow = CreditWindowRule.Smallest,
            Leg = 0,
            Counted = default,
            CountedExactly = false,
            State = SessionState.Open,
            OpenedAt = (ulong)Math.Max(0, now.ToUnixTimeSeconds()),
            Seed = seed,
        };
        cancellationToken.ThrowIfCancellationRequested();
        await store.ApplyAsync(new SessionStep(null, record, null)).ConfigureAwait(false);
        var state = new ConsumerSessionState(record, null, signer, options, (long)offer.CreditWindow, now);
        lock (_lock)
        {
            // Within the lock: a session that ends at once is forgotten only after it was noted.
            _protection.Begin(connection, id);
            var session = new ConsumerSession(connection, stream, offer, state, store, options, time, _diagnostics, Forget);
            _live.Add(id, session);
            _diagnostics.Opened(id, LedgerRole.Consumer);
            return session;
        }
    }

    private async ValueTask SettleAsync(PeerStream stream, SessionMessage.Settle claim, PublicKey provider, CancellationToken cancellationToken)
    {
        // The provider knows before this side that the connection was lost: what still runs here ends first, so that one loop writes its records.
        ConsumerSession? live;
        lock (_lock) live = _live.GetValueOrDefault(claim.SessionId);
        if (live is not null && live.Offer.Provider == provider)
        {
            live.Connection.Abort("The provider has ended the session that ran on this connection.");
            await live.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        // One at a time: two settlements of one session, on two connections, could sign two bodies with one number.
        lock (_lock)
        {
            if (!_settling.Add(claim.SessionId)) throw new SessionException(SessionError.OutOfOrder, "The provider settles one session twice at once.");
        }

        try
        {
            await AnswerAsync(stream, claim, provider, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock) _settling.Remove(claim.SessionId);
        }
    }

    private async ValueTask AnswerAsync(PeerStream stream, SessionMessage.Settle claim, PublicKey provider, CancellationToken cancellationToken)
    {
        SessionRecord? record = await SessionLink.ReadAsync(() => store.FindSessionAsync(claim.SessionId, LedgerRole.Consumer, cancellationToken)).ConfigureAwait(false);
        ReceiptEntry? newest = await store.FindNewestAsync(claim.SessionId, LedgerRole.Consumer, cancellationToken).ConfigureAwait(false);
        var settlement = new ConsumerSettlement(record, newest, claim, provider, signer, options, time.GetUtcNow());
        SessionStep step = settlement.Begin(time.GetUtcNow());
        while (true)
        {
            await store.ApplyAsync(step).ConfigureAwait(false);
            if (step.Send is not null) await stream.SendAsync(step.Send, cancellationToken).ConfigureAwait(false);
            if (settlement.Result is { } result)
            {
                _diagnostics.Settled(claim.SessionId, LedgerRole.Consumer, result);
                return;
            }

            step = step.Send is null
                ? settlement.Continue(time.GetUtcNow())
                : await stream.ReceiveAsync(options.AnswerTimeout, time, cancellationToken).ConfigureAwait(false) is SessionMessage.Countersigned countersigned
                    ? settlement.OnCountersigned(countersigned, time.GetUtcNow())
                    : SessionStep.Fail(SessionError.Malformed);
        }
    }

    private void Forget(ConsumerSession session)
    {
        lock (_lock) _live.Remove(session.Id);
        _protection.End(session.Connection, session.Id);
    }
}
