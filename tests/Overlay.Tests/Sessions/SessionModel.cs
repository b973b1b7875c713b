using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Sessions.Metering;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Sessions;

/// <summary>What is wrong with one of the two, when something is.</summary>
internal enum Liar
{
    Nobody,
    Consumer,
    Provider,
}

/// <summary>
/// Both state machines with a disk each and an ordered connection between them that can be cut, driven step by step. Its own books of what was
/// served, what arrived and what was signed are kept beside the machines', and every promise is checked against those.
/// </summary>
internal sealed class SessionModel(Liar liar) : IAsyncDisposable
{
    private static readonly PeerIdentity s_consumer = PeerIdentity.Generate();
    private static readonly PeerIdentity s_provider = PeerIdentity.Generate();

    private readonly IdentitySigner _consumer = new(s_consumer);
    private readonly IdentitySigner _provider = new(s_provider);
    private readonly InMemoryLedgerStore _consumerDisk = new();
    private readonly InMemoryLedgerStore _providerDisk = new();
    private readonly SessionOptions _options = new() { LegSize = 1 << 20, Debt = DebtPolicy.Forgive };
    private readonly Dictionary<(Digest, uint, ulong), Digest> _sentReceipts = [];
    private readonly Dictionary<(Digest, uint, ulong), Digest> _acknowledged = [];
    private readonly Dictionary<Digest, Books> _books = [];
    private readonly List<byte[]> _oldToProvider = [];
    private readonly List<byte[]> _oldToConsumer = [];
    private DateTimeOffset _now = new(2026, 11, 23, 4, 0, 0, TimeSpan.Zero);
    private Running? _live;
    private int _opened;

    private sealed class Books
    {
        internal long SentUp, ArrivedUp, ForwardedUp, SentDown, ArrivedDown;
        internal bool ConsumerCrashed;
    }

    private sealed class Running(ConsumerSessionState consumer, ProviderSessionState provider, Books books)
    {
        internal readonly ConsumerSessionState Consumer = consumer;
        internal readonly ProviderSessionState Provider = provider;
        internal readonly Books Books = books;
        internal readonly CreditGate ProviderGate = new(provider.Window);
        internal readonly CreditGate ConsumerGate = new(CreditWindowRule.UpAllowance(consumer.Window));
        internal readonly Queue<(long Bytes, byte[]? Message)> ToProvider = [];
        internal readonly Queue<(long Bytes, byte[]? Message)> ToConsumer = [];

        internal ByteCount ConsumerCount => new(Books.SentUp, Books.ArrivedDown);

        internal ByteCount ProviderCount => new(Books.ArrivedUp, Books.SentDown);
    }

    public async ValueTask DisposeAsync()
    {
        await _consumerDisk.DisposeAsync();
        await _providerDisk.DisposeAsync();
    }

    /// <summary>Does one thing of a history.</summary>
    internal void Do(int action, int size)
    {
        switch (action)
        {
            case 0 or 1: Meet(size); break;
            case 2 or 3 or 4 or 5: ServeDown(size); break;
            case 6 or 7 or 8: SendUp(size); break;
            case 9 or 10 or 11 or 12: DeliverToProvider(1 + size % 4); break;
            case 13 or 14 or 15 or 16: DeliverToConsumer(1 + size % 4); break;
            case 17: _now += TimeSpan.FromMilliseconds(size % 10_000); break;
            case 18: Cut(consumerCrashes: false, providerCrashes: false); break;
            case 19: Cut(consumerCrashes: true, providerCrashes: false); break;
            case 20: Cut(consumerCrashes: false, providerCrashes: true); break;
            case 21: Cut(consumerCrashes: true, providerCrashes: true); break;
            case 22: Close(); break;
            case 23: Lie(size); break;
            default: Replay(size); break;
        }

        Pay();
        CheckAlways();
    }

    /// <summary>Lets everything end well and checks that both sides then say the same.</summary>
    internal void FinishHonestly()
    {
        for (int i = 0; _live is null && i < 3; i++) Meet(int.MaxValue);
        ServeDown(10_000);
        Close();
        Meet(int.MaxValue);
        Close();
        CheckAlways();
        List<SessionRecord> consumers = Read(_consumerDisk.ReadSessionsAsync(default)), providers = Read(_providerDisk.ReadSessionsAsync(default));
        Assert.All(consumers, record => Assert.Equal(SessionState.Closed, record.State));
        Assert.All(providers, record => Assert.Equal(SessionState.Closed, record.State));
        Assert.Equal(Finals(_consumerDisk), Finals(_providerDisk));
        Assert.Equal(_opened, consumers.Count);
    }

    // A provider that knows of debts asks for them first; how far it gets before the connection breaks again is part of the history.
    private void Meet(int patience)
    {
        if (_live is not null) return;
        int steps = patience == int.MaxValue ? int.MaxValue : patience % 12;
        foreach (SessionRecord record in Wait(_providerDisk.FindUnsettledAsync(_consumer.PublicKey, LedgerRole.Provider, 16, default)))
            if (!Settle(record, ref steps, patience)) return;

        Digest id = new(SHA256.HashData(BitConverter.GetBytes(++_opened)));
        SessionRecord Record(LedgerRole role, PublicKey other) => new()
        {
            SessionId = id,
            Role = role,
            Counterparty = other,
            OfferId = default,
            PricePerGiB = 7,
            CreditWindow = CreditWindowRule.Smallest,
            Leg = 0,
            Counted = default,
            CountedExactly = false,
            State = SessionState.Open,
            OpenedAt = (ulong)_now.ToUnixTimeSeconds(),
            // Every third session is one that the previous build opened: what is left to sign in it is of the plain form.
            Seed = _opened % 3 == 0 ? null : new BlindingSeed(id.Bytes),
        };
        SessionRecord consumer = Record(LedgerRole.Consumer, _provider.PublicKey), provider = Record(LedgerRole.Provider, _consumer.PublicKey);
        Wait(_providerDisk.SaveSessionAsync(provider, default));
        Wait(_consumerDisk.SaveSessionAsync(consumer, default));
        _books[id] = new Books();
        _live = new Running(
            new ConsumerSessionState(consumer, null, _consumer, _options, CreditWindowRule.Largest, _now),
            new ProviderSessionState(provider, null, _provider, _options, CreditWindowRule.Largest, _now),
            _books[id]);
    }

    private bool Settle(SessionRecord record, ref int steps, int luck)
    {
        var provider = new ProviderSessionState(record, Wait(_providerDisk.FindLatestReceiptAsync(record.SessionId, LedgerRole.Provider, default)), _provider, _options, CreditWindowRule.Largest, _now);
        SessionMessage.Settle claim = provider.Settle();
        if (liar == Liar.Provider && luck % 3 == 0)
        {
            // Claims bytes it never gave, calls them exact, or shows a receipt that is not the newest.
            claim = claim with { Counted = new ReceiptOpening(claim.Counted.Up + (ulong)(luck % 1_000_000), claim.Counted.Down + (ulong)luck), Exact = luck % 2 == 0 };
            if (luck % 5 == 0) claim = claim with { LastReceipt = default, LastOpening = default };
        }

        if (liar == Liar.Consumer && luck % 3 == 0)
        {
            Store(_providerDisk, new SessionStep(null, provider.Conclude(luck % 2 == 0 ? SessionState.Disputed : SessionState.Closed), null));
            return true;
        }

        ReceiptEntry? newest = Wait(_consumerDisk.FindLatestReceiptAsync(record.SessionId, LedgerRole.Consumer, default));
        SessionRecord? own = Wait(_consumerDisk.FindSessionAsync(record.SessionId, LedgerRole.Consumer, default));
        var consumer = new ConsumerSettlement(own, newest, (SessionMessage.Settle)SessionMessage.Decode(claim.Encode())!, _provider.PublicKey, _consumer, _options, _now);
        SessionStep step = consumer.Begin(_now);
        int receipts = 0;
        while (true)
        {
            if (steps-- <= 0) return false;
            Assert.Equal(SessionError.None, step.Error);
            Store(_consumerDisk, step);
            if (consumer.Result is { } result)
            {
                if (liar == Liar.Nobody) Assert.Equal(SettleResult.Done, result);
                if (steps-- <= 0) return false;
                Store(_providerDisk, new SessionStep(null, provider.Conclude(result == SettleResult.Refused ? SessionState.Disputed : SessionState.Closed), null));
                return true;
            }

            if (step.Send is SessionMessage.ReceiptMessage receipt)
            {
                Sent(receipt);
                if (steps-- <= 0) return false;
                Assert.True(++receipts <= 2);
                SessionStep answer = provider.OnLateReceipt(receipt, _now);
                if (liar == Liar.Nobody) Assert.Equal(SessionError.None, answer.Error);
                if (answer.Error != SessionError.None) return false;
                Store(_providerDisk, answer);
                if (steps-- <= 0) return false;
                step = consumer.OnCountersigned((SessionMessage.Countersigned)answer.Send!, _now);
            }
            else
            {
                step = consumer.Continue(_now);
            }
        }
    }

    private void ServeDown(int size)
    {
        if (_live is null) return;
        // A provider that lies may serve without credit: its own loss.
        int served = _live.ProviderGate.TakeUpTo(size);
        if (served == 0) return;
        _live.Books.SentDown += served;
        _live.ToConsumer.Enqueue((served, null));
    }

    private void SendUp(int size)
    {
        if (_live is null) return;
        // A consumer that lies does not hold itself to its share of the window.
        long sent = liar == Liar.Consumer && size % 7 == 0 ? size : _live.ConsumerGate.TakeUpTo(size);
        if (sent == 0) return;
        _live.Books.SentUp += sent;
        _live.ToProvider.Enqueue((sent, null));
    }

    private void DeliverToProvider(int count)
    {
        for (; count > 0 && _live is { ToProvider.Count: > 0 } live; count--)
        {
            (long bytes, byte[]? message) = live.ToProvider.Dequeue();
            if (message is not null)
            {
                AtProvider(live, message);
                continue;
            }

            live.Books.ArrivedUp += bytes;
            Forward(live);
            bool violated = live.Provider.IsViolated(live.ProviderCount);
            if (liar == Liar.Nobody) Assert.False(violated);
            if (violated) Cut(false, false);
        }
    }

    private static void Forward(Running live) => live.Books.ForwardedUp += live.ProviderGate.TakeUpTo(live.Books.ArrivedUp - live.Books.ForwardedUp);

    private void AtProvider(Running live, byte[] bytes)
    {
        switch (SessionMessage.Decode(bytes))
        {
            case SessionMessage.ReceiptMessage receipt:
                long before = live.Provider.Paid.Total;
                SessionStep step = live.Provider.OnReceipt(receipt, live.ProviderCount, _now);
                // A provider that countersigns ahead of its own books, or names a window that it does not keep, draws receipts sooner than it wants them.
                if (liar == Liar.Nobody || (liar == Liar.Provider && step.Error != SessionError.TooManyReceipts)) Assert.Equal(SessionError.None, step.Error);
                if (step.Error != SessionError.None)
                {
                    Cut(false, false);
                    return;
                }

                Store(_providerDisk, step);
                live.ProviderGate.Pay(live.Provider.Paid.Total - before, live.Provider.Window);
                Forward(live);
                live.ToConsumer.Enqueue((0, step.Send!.Encode()));
                break;
            default:
                Cut(false, false);
                break;
        }
    }

    private void DeliverToConsumer(int count)
    {
        for (; count > 0 && _live is { ToConsumer.Count: > 0 } live; count--)
        {
            (long bytes, byte[]? message) = live.ToConsumer.Dequeue();
            if (message is null)
            {
                live.Books.ArrivedDown += bytes;
                continue;
            }

            AtConsumer(live, message);
        }
    }

    private void AtConsumer(Running live, byte[] bytes)
    {
        _oldToConsumer.Add(bytes);
        if (SessionMessage.Decode(bytes) is not SessionMessage.Countersigned countersigned)
        {
            Cut(false, false);
            return;
        }

        ByteCount before = live.Consumer.Acknowledged;
        SessionStep step = live.Consumer.OnCountersigned(countersigned, last: false, _now);
        if (liar == Liar.Nobody) Assert.Equal(SessionError.None, step.Error);
        if (step.Error != SessionError.None)
        {
            Cut(false, false);
            return;
        }

        Store(_consumerDisk, step);
        live.ConsumerGate.Pay(live.Consumer.Acknowledged.Up - before.Up, CreditWindowRule.UpAllowance(live.Consumer.Window));
    }

    private void Pay(bool ending = false)
    {
        if (_live is not { Consumer.Pending: null } live) return;
        ByteCount count = live.ConsumerCount;
        if (!live.Consumer.IsDue(count, _now) && !(ending && live.Consumer.NeedsFinal(count))) return;
        SessionStep step = live.Consumer.Issue(count, ending || live.Consumer.IsLegOver(count, _now), _now);
        Store(_consumerDisk, step);
        var message = (SessionMessage.ReceiptMessage)step.Send!;
        Sent(message);
        _oldToProvider.Add(message.Encode());
        live.ToProvider.Enqueue((0, message.Encode()));
    }

    // The end in good order: all that is under way arrives, then final receipts until nothing is owed, then Close.
    private void Close()
    {
        if (_live is not { } live) return;
        for (int rounds = 0; rounds < 8; rounds++)
        {
            DeliverToProvider(int.MaxValue);
            DeliverToConsumer(int.MaxValue);
            if (_live is null) return;
            Pay(ending: true);
        }

        if (live.Consumer.Pending is not null || live.Consumer.NeedsFinal(live.ConsumerCount)) return;
        Wait(_consumerDisk.SaveSessionAsync(live.Consumer.Close(), default));
        SessionRecord closed = live.Provider.Close(live.ProviderCount);
        if (liar == Liar.Nobody) Assert.Equal(SessionState.Closed, closed.State);
        Wait(_providerDisk.SaveSessionAsync(closed, default));
        _live = null;
    }

    private void Cut(bool consumerCrashes, bool providerCrashes)
    {
        if (_live is not { } live) return;
        _live = null;
        if (!consumerCrashes) Wait(_consumerDisk.SaveSessionAsync(live.Consumer.Lose(live.ConsumerCount), default));
        else live.Books.ConsumerCrashed = true;
        if (!providerCrashes) Wait(_providerDisk.SaveSessionAsync(live.Provider.Lose(live.ProviderCount), default));
    }

    private void Lie(int size)
    {
        if (_live is not { } live) return;
        if (liar == Liar.Consumer)
        {
            // Any amounts, any place in the chain: properly signed, but not what happened.
            ReceiptPosition at = live.Provider.Position;
            long delta = size % 2 == 0 ? size : -size;
            var opening = new ReceiptOpening((ulong)Math.Max(0, live.ConsumerCount.Up + delta), (ulong)Math.Max(0, live.ConsumerCount.Down + delta));
            Receipt forged = Receipt.Issue(
                new ReceiptBody
                {
                    SessionId = size % 11 == 0 ? default : live.Consumer.Record.SessionId,
                    Leg = at.Leg + (size % 13 == 0 ? 1u : 0),
                    Provider = _provider.PublicKey,
                    Consumer = _consumer.PublicKey,
                    Sequence = at.Sequence + (size % 5 == 0 ? 1UL : 0),
                    Final = size % 3 == 0,
                    Commitment = ReceiptCommitment.Create(
                        opening, size % 23 == 0 ? null : live.Consumer.Record.Seed, live.Consumer.Record.SessionId, at.Leg, at.Sequence),
                    PricePerGiB = size % 17 == 0 ? 6UL : 7,
                    Epoch = (ulong)_now.ToUnixTimeSeconds() / 3600,
                    PreviousReceiptHash = size % 19 == 0 ? default : at.Previous,
                    IssuedAt = (ulong)_now.ToUnixTimeSeconds(),
                },
                _consumer);
            live.ToProvider.Enqueue((0, new SessionMessage.ReceiptMessage(forged.Encode(), opening).Encode()));
        }
        else if (liar == Liar.Provider && live.Consumer.Pending is { } pending)
        {
            // A countersignature with an absurd window, which the consumer must not let itself be led by.
            live.ToConsumer.Enqueue((0, new SessionMessage.Countersigned(pending.Receipt.Countersign(_provider).Encode(), size % 3 * (CreditWindowRule.Largest / 2)).Encode()));
        }
    }

    private void Replay(int size)
    {
        if (_live is not { } live) return;
        if (liar == Liar.Provider && _oldToConsumer.Count != 0) live.ToConsumer.Enqueue((0, _oldToConsumer[size % _oldToConsumer.Count]));
        if (liar == Liar.Consumer && _oldToProvider.Count != 0) live.ToProvider.Enqueue((0, _oldToProvider[size % _oldToProvider.Count]));
        // Between honest peers only the newest can come twice, and only from a retry.
        if (liar == Liar.Nobody && live.Consumer.Resend() is { } again) live.ToProvider.Enqueue((0, again.Encode()));
    }

    private void CheckAlways()
    {
        // Nothing acknowledged to anybody is ever lost, and what is kept only grows (the ledgers refuse anything else).
        foreach (ReceiptEntry entry in Read(_providerDisk.ReadReceiptsAsync(null, default))) Acknowledge(entry);
        if (_live is not { } live) return;

        // The provider: served and unpaid never above the window, by books that its gate does not keep.
        long unpaid = live.Books.SentDown + live.Books.ForwardedUp - Paid(_providerDisk, live.Provider.Record.SessionId).Total;
        Assert.True(unpaid <= live.Provider.Window, $"{unpaid} bytes are served and unpaid; the window is {live.Provider.Window}.");
        Assert.True(live.Provider.Window <= CreditWindowRule.Largest);

        // The consumer: never signs for more than arrived, nor for more than it sent.
        if (liar == Liar.Consumer) return;
        ByteCount signed = Paid(_consumerDisk, live.Consumer.Record.SessionId);
        Assert.True(signed.Down <= live.Books.ArrivedDown && signed.Up <= live.Books.SentUp);
    }

    /// <summary>After settling, a consumer owes no more than arrived; after a crash of its own no more than a window above what it knew.</summary>
    internal void CheckConsumerPaidForWhatArrived()
    {
        foreach ((Digest id, Books books) in _books)
        {
            ByteCount signed = Paid(_consumerDisk, id);
            long over = Math.Max(0, signed.Down - books.ArrivedDown) + Math.Max(0, signed.Up - books.SentUp);
            long window = (long)Wait(_consumerDisk.FindSessionAsync(id, LedgerRole.Consumer, default))!.CreditWindow;
            Assert.True(over <= (books.ConsumerCrashed ? window : 0), $"{over} bytes too many were signed for.");
        }
    }

    private void Sent(SessionMessage.ReceiptMessage message)
    {
        Assert.True(Receipt.TryDecode(message.Receipt.Span, out Receipt? receipt));
        var key = (receipt.Body.SessionId, receipt.Body.Leg, receipt.Body.Sequence);
        if (!_sentReceipts.TryAdd(key, receipt.Hash)) Assert.Equal(_sentReceipts[key], receipt.Hash);
    }

    private void Acknowledge(ReceiptEntry entry)
    {
        Assert.True(entry.Receipt.IsCountersigned);
        var key = (entry.Receipt.Body.SessionId, entry.Receipt.Body.Leg, entry.Receipt.Body.Sequence);
        if (!_acknowledged.TryAdd(key, entry.Receipt.Hash)) Assert.Equal(_acknowledged[key], entry.Receipt.Hash);
    }

    private static void Store(InMemoryLedgerStore disk, SessionStep step)
    {
        if (step.Receipt is not null) Wait(disk.SaveReceiptAsync(step.Receipt, step.Record!, default));
        else if (step.Record is not null) Wait(disk.SaveSessionAsync(step.Record, default));
    }

    // What the newest receipt of every leg states, together.
    private static ByteCount Paid(InMemoryLedgerStore disk, Digest session)
    {
        ByteCount sum = default, leg = default;
        uint number = 0;
        foreach (ReceiptEntry entry in Read(disk.ReadReceiptsAsync(session, default)))
        {
            if (entry.Receipt.Body.Leg != number) sum += leg;
            number = entry.Receipt.Body.Leg;
            leg = new ByteCount((long)entry.Opening.Up, (long)entry.Opening.Down);
        }

        return sum + leg;
    }

    private static List<(Digest, uint, ReceiptOpening)> Finals(InMemoryLedgerStore disk) =>
        [.. Read(disk.ReadReceiptsAsync(null, default)).Where(e => e.Receipt.Body.Final && e.Receipt.IsCountersigned)
            .Select(e => (e.Receipt.Body.SessionId, e.Receipt.Body.Leg, e.Opening)).OrderBy(e => e.SessionId).ThenBy(e => e.Leg)];

    // The ledger in memory answers at once.
    private static T Wait<T>(ValueTask<T> task) => task.IsCompleted ? task.GetAwaiter().GetResult() : throw new InvalidOperationException("The ledger in memory waited.");

    private static void Wait(ValueTask task)
    {
        if (!task.IsCompleted) throw new InvalidOperationException("The ledger in memory waited.");
        task.GetAwaiter().GetResult();
    }

    private static List<T> Read<T>(IAsyncEnumerable<T> items)
    {
        var all = new List<T>();
        IAsyncEnumerator<T> enumerator = items.GetAsyncEnumerator();
        while (Wait(enumerator.MoveNextAsync())) all.Add(enumerator.Current);
        return all;
    }
}
