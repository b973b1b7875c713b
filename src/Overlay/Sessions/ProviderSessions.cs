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

/// <summary>A provider's sessions: makes offers, opens sessions, serves their connects. Its three methods are the handlers of the three protocols.</summary>
/// <remarks>Safe on several threads. Each handler's task lasts as long as its stream and is awaited by who called it; <see cref="StopAsync"/> ends the sessions.</remarks>
internal sealed class ProviderSessions(
    ISigner signer, ILedgerStore store, IExit exit, ProviderTerms terms, SessionOptions options, TimeProvider time, SessionDiagnostics? diagnostics = null,
    PeerHost? peers = null, ICounterpartyLedgers? ledgers = null, IOwnerLine? line = null)
{
    private readonly SessionProtection _protection = new(peers);
    private readonly SessionDiagnostics _diagnostics = diagnostics ?? SessionDiagnostics.None;
    private readonly Lock _lock = new();
    private readonly Dictionary<Digest, ProviderSession> _live = [];
    private readonly Dictionary<PublicKey, int> _perConsumer = [];
    private readonly HashSet<Digest> _settling = [];
    private volatile ProviderTerms _terms = terms;
    private int _connects;
    private bool _stopping;
    private bool _cut;

    /// <summary>The terms of offers from here on; sessions keep the offer that they were opened on.</summary>
    internal ProviderTerms Terms
    {
        get => _terms;
        set => _terms = value;
    }

    /// <summary>Whether the owner does not serve a consumer.</summary>
    internal Func<PublicKey, bool> IsBlocked { get; init; } = static _ => false;

    /// <summary>Sessions that live now.</summary>
    internal IReadOnlyList<ProviderSession> Live
    {
        get
        {
            lock (_lock) return [.. _live.Values];
        }
    }

    /// <summary>Serves one stream of <see cref="SessionProtocols.Offer"/>.</summary>
    internal async Task HandleOfferAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        byte[] answer;
        try
        {
            byte[]? bytes = await SessionLink.WithinAsync(options.AnswerTimeout, time, token => stream.Input.ReadMessageAsync(Ask.MaxSize, token), cancellationToken).ConfigureAwait(false);
            Ask? ask = bytes is null ? null : Ask.Decode(bytes);
            ProviderTerms terms = _terms;
            answer = ask is null ? Refusal(SessionError.Malformed, "That is no question for an offer.")
                : store.Fault is not null ? Refusal(SessionError.Ledger, "The provider cannot write its ledger.")
                : _stopping ? Refusal(SessionError.ShuttingDown, "The provider is going away.")
                : line?.Refusal is { } busy ? Refusal(SessionError.Capacity, busy)
                : ask.Region != "ZZ" && ask.Region != terms.Region ? Refusal(SessionError.WrongTerms, $"The provider is in {terms.Region}.")
                : OfferAnswer.Encode((await MakeAsync(terms, cancellationToken).ConfigureAwait(false)).Envelope);
        }
        catch (SessionException e)
        {
            answer = Refusal(e.Reason, e.Message);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            stream.Abort(e.Message);
            await stream.DisposeAsync().ConfigureAwait(false);
            return;
        }

        await stream.SendLastAsync(answer, options.CloseTimeout, time).ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Makes an offer that nobody has asked for on a stream; null while no session would be opened on it.</summary>
    /// <exception cref="SessionException">The ledger cannot be read.</exception>
    internal async ValueTask<Offer?> MakeOfferAsync(CancellationToken cancellationToken) =>
        store.Fault is not null || _stopping || line?.Refusal is not null ? null : await MakeAsync(_terms, cancellationToken).ConfigureAwait(false);

    /// <summary>Serves one stream of <see cref="SessionProtocols.Session"/> for as long as the session lasts.</summary>
    internal async Task HandleSessionAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        PublicKey? consumer = SessionLink.ProvedKey(stream.Connection);
        bool counted = false;
        try
        {
            if (consumer is null) throw new SessionException(SessionError.WrongKey, "The consumer's key is not Ed25519.");
            Reserve(consumer.Value);
            counted = true;
            ProviderSession session = await OpenAsync(stream, consumer.Value, cancellationToken).ConfigureAwait(false);
            try
            {
                await session.RunAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                lock (_lock) _live.Remove(session.Id);
                await session.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (SessionException e)
        {
            _diagnostics.Refused(e);
            await stream.SendLastAsync(Refusal(e.Reason, e.Message), options.CloseTimeout, time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            stream.Abort(e.Message);
        }
        finally
        {
            if (counted) Release(consumer!.Value);
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Serves one stream of <see cref="SessionProtocols.Connect"/> to its end.</summary>
    internal async Task HandleConnectAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _connects);
        try
        {
            byte[]? bytes = await SessionLink.WithinAsync(options.ConnectTimeout, time, token => stream.Input.ReadMessageAsync(ConnectRequest.MaxSize, token), cancellationToken).ConfigureAwait(false);
            ConnectRequest? request = null;
            ConnectCode code = bytes is null ? ConnectCode.GeneralFailure : ConnectRequest.TryDecode(bytes, out request);
            ProviderSession? session = request is null ? null : Find(request.SessionId, stream.Connection);
            if (session is not null)
            {
                await session.ServeAsync(stream, request!, MessagePipes.Frame(bytes!).Length, exit, line, () => Volatile.Read(ref _connects) <= options.MaxConnects, cancellationToken).ConfigureAwait(false);
                return;
            }

            var answer = new ConnectAnswer(request is null ? code : ConnectCode.NotAllowed, "", null);
            await stream.SendLastAsync(answer.Encode(), options.CloseTimeout, time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            stream.Abort(e.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _connects);
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Takes no new sessions, asks every consumer for its last receipt, and waits; those that have not ended when cancelled are settled another time.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        ProviderSession[] sessions;
        lock (_lock)
        {
            _stopping = true;
            sessions = [.. _live.Values];
        }

        await Task.WhenAll(sessions.Select(session => session.FinishAsync(cancellationToken))).ConfigureAwait(false);
    }

    /// <summary>The same at once: what is open is reset, and only then are last receipts asked for.</summary>
    internal Task CutAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _stopping = true;
            _cut = true;
            foreach (ProviderSession session in _live.Values) session.CutOff("The provider's owner no longer shares.");
        }

        return StopAsync(cancellationToken);
    }

    /// <summary>Resets what one consumer has open, asks it for its last receipts and ends its sessions.</summary>
    internal Task CutAsync(PublicKey consumer, CancellationToken cancellationToken)
    {
        foreach (ProviderSession session in Live.Where(session => session.Consumer == consumer))
            session.CutOff("The provider's owner no longer serves this consumer.");
        return EndAsync(consumer, cancellationToken);
    }

    /// <summary>Asks every consumer for its last receipts and ends their sessions; those that do not end by themselves are lost when cancelled.</summary>
    internal async Task EndAllAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(Live.Select(session => session.FinishAsync(cancellationToken))).ConfigureAwait(false);

    /// <summary>Asks one consumer for its last receipts and ends its sessions.</summary>
    internal async Task EndAsync(PublicKey consumer, CancellationToken cancellationToken) =>
        await Task.WhenAll(Live.Where(session => session.Consumer == consumer).Select(session => session.FinishAsync(cancellationToken))).ConfigureAwait(false);

    private async ValueTask<Offer> MakeAsync(ProviderTerms terms, CancellationToken cancellationToken) =>
        Offer.Create(terms, signer, time.GetUtcNow(), await FindHeadAsync(cancellationToken).ConfigureAwait(false));

    private async ValueTask<ProviderSession> OpenAsync(PeerStream stream, PublicKey consumer, CancellationToken cancellationToken)
    {
        // Before anything is signed, or asked for that could not be kept.
        SessionLink.ThrowIfReadOnly(store);
        if (ledgers is not null && await ledgers.HasForkedAsync(consumer, cancellationToken).ConfigureAwait(false))
            throw new SessionException(SessionError.Forked, "The consumer has signed two histories: its ledger has forked.");
        ReadOnlyMemory<byte> handshake = stream.Connection.HandshakeHash;
        if (await stream.ReceiveAsync(options.AnswerTimeout, time, cancellationToken).ConfigureAwait(false) is not SessionMessage.Open message)
            throw new SessionException(SessionError.Malformed, "A session begins with Open.");
        SessionError error = OpenBody.TryOpen(message.Envelope, consumer, handshake.Span, out OpenBody? open);
        if (error != SessionError.None) throw new SessionException(error, "Open is not validly signed by the connection's own key for this connection.");
        if (!Offer.TryOpen(open!.Offer, signer.PublicKey, out Offer? offer)) throw new SessionException(SessionError.StaleOffer, "The offer is not this provider's.");
        if (offer.NotAfter < (ulong)Math.Max(0, time.GetUtcNow().ToUnixTimeSeconds())) throw new SessionException(SessionError.StaleOffer, "The offer has run out.");

        await SettleAsync(stream, consumer, cancellationToken).ConfigureAwait(false);

        byte[] secret = new byte[X25519.KeySize], ephemeral = new byte[X25519.KeySize], shared = new byte[X25519.KeySize];
        X25519.GenerateKeyPair(secret, ephemeral);
        bool agreed = X25519.TryAgree(secret, open.EphemeralKey.Span, shared);
        CryptographicOperations.ZeroMemory(secret);
        if (!agreed) throw new SessionException(SessionError.WrongKey, "The ephemeral key is of small order.");
        Digest id = SessionId.Derive(handshake.Span, offer.Id, open.EphemeralKey.Span, ephemeral);
        BlindingSeed seed = BlindingSeed.Derive(shared, id);
        CryptographicOperations.ZeroMemory(shared);

        DateTimeOffset now = time.GetUtcNow();
        var record = new SessionRecord
        {
            SessionId = id,
            Role = LedgerRole.Provider,
            Counterparty = consumer,
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
        await store.ApplyAsync(new SessionStep(null, record, null)).ConfigureAwait(false);
        var session = new ProviderSession(stream, new ProviderSessionState(record, null, signer, options, (long)offer.CreditWindow, now), store, options, time, _diagnostics, _protection);
        lock (_lock)
        {
            // Live before Accept leaves: the consumer may connect at once.
            _live.Add(session.Id, session);
            if (_cut || IsBlocked(consumer)) session.CutOff("The provider's owner no longer shares.");
        }

        // Whoever pauses from here on finds it among the living; who has paused since it was let in has not. Not under the lock: hosts answer here too.
        if (line?.Refusal is not null) session.CutOff("The provider's owner needs the line.");

        _diagnostics.Opened(session.Id, LedgerRole.Provider);
        ledgers?.Meet(stream.Connection);

        try
        {
            SignedEnvelope accept = new AcceptBody(record.SessionId, ephemeral).Sign(signer, handshake.Span);
            await stream.SendAsync(new SessionMessage.Accept(accept), cancellationToken).ConfigureAwait(false);
            return session;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // Its loop finds the stream broken and does what is to be done at a session's end.
            return session;
        }
    }

    // Every session with this consumer that ended without a word is settled before a new one: see docs/protocols/session.md.
    private async ValueTask SettleAsync(PeerStream stream, PublicKey consumer, CancellationToken cancellationToken)
    {
        IReadOnlyList<SessionRecord> unsettled = await SessionLink.ReadAsync(
            () => store.FindUnsettledAsync(consumer, LedgerRole.Provider, options.MaxSettlements, cancellationToken)).ConfigureAwait(false);
        foreach (SessionRecord record in unsettled)
        {
            lock (_lock)
            {
                // Running on another connection, or being settled there at this moment.
                if (_live.ContainsKey(record.SessionId) || !_settling.Add(record.SessionId)) continue;
            }

            try
            {
                await SettleAsync(stream, record, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                lock (_lock) _settling.Remove(record.SessionId);
            }
        }
    }

    private async ValueTask SettleAsync(PeerStream stream, SessionRecord record, CancellationToken cancellationToken)
    {
        ReceiptEntry? newest = await store.FindNewestAsync(record.SessionId, LedgerRole.Provider, cancellationToken).ConfigureAwait(false);
        var state = new ProviderSessionState(record, newest, signer, options, CreditWindowRule.Largest, time.GetUtcNow());
        SettleResult result = await SettleAsync(stream, state, cancellationToken).ConfigureAwait(false);
        SessionState conclusion = result == SettleResult.Refused ? SessionState.Disputed : SessionState.Closed;
        await store.ApplyAsync(new SessionStep(null, state.Conclude(conclusion), null)).ConfigureAwait(false);
        _diagnostics.Settled(record.SessionId, LedgerRole.Provider, result);
        if (result == SettleResult.Refused && options.Debt == DebtPolicy.Refuse)
            throw new SessionException(SessionError.Debt, "An earlier session is not settled.");
    }

    private async ValueTask<SettleResult> SettleAsync(PeerStream stream, ProviderSessionState state, CancellationToken cancellationToken)
    {
        // The receipt that was under way, and the leg's last.
        const int MostReceipts = 2;

        await stream.SendAsync(state.Settle(), cancellationToken).ConfigureAwait(false);
        for (int receipts = 0; ;)
        {
            switch (await stream.ReceiveAsync(options.AnswerTimeout, time, cancellationToken).ConfigureAwait(false))
            {
                case SessionMessage.Settled settled when settled.SessionId == state.Record.SessionId:
                    return settled.Result;
                case SessionMessage.ReceiptMessage receipt when receipts++ < MostReceipts:
                    SessionStep step = state.OnLateReceipt(receipt, time.GetUtcNow());
                    await store.ApplyAsync(step).ConfigureAwait(false);
                    await stream.SendAsync(step.Send!, cancellationToken).ConfigureAwait(false);
                    break;
                case var other:
                    throw new SessionException(SessionError.Malformed, $"The consumer sent {other.GetType().Name} while a session was being settled.");
            }
        }
    }

    private async ValueTask<Digest> FindHeadAsync(CancellationToken cancellationToken) =>
        (await SessionLink.ReadAsync(() => store.FindLatestBlockAsync(cancellationToken)).ConfigureAwait(false))?.Hash ?? default;

    private ProviderSession? Find(Digest id, PeerConnection connection)
    {
        lock (_lock) return _live.TryGetValue(id, out ProviderSession? session) && ReferenceEquals(session.Connection, connection) ? session : null;
    }

    private void Reserve(PublicKey consumer)
    {
        string? busy = line?.Refusal;
        lock (_lock)
        {
            if (_stopping) throw new SessionException(SessionError.ShuttingDown, "The provider is going away.");
            if (IsBlocked(consumer)) throw new SessionException(SessionError.Blocked, "The provider's owner does not serve this consumer.");
            if (busy is not null) throw new SessionException(SessionError.Capacity, busy);
            int held = _perConsumer.GetValueOrDefault(consumer);
            if (held >= options.MaxSessionsPerPeer || _perConsumer.Values.Sum() >= options.MaxSessions)
                throw new SessionException(SessionError.Capacity, "The provider has no room for another session.");
            _perConsumer[consumer] = held + 1;
        }
    }

    private void Release(PublicKey consumer)
    {
        lock (_lock)
        {
            if (--_perConsumer[consumer] == 0) _perConsumer.Remove(consumer);
        }
    }

    private static byte[] Refusal(SessionError code, string text) =>
        new SessionMessage.Refuse(code, text.Length <= SessionMessage.MaxTextSize ? text : text[..SessionMessage.MaxTextSize]).Encode();
}
