using BenchmarkDotNet.Attributes;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Sessions.Metering;
using Overlay.Transport.Identity;

namespace Overlay.Benchmarks.Relay;

/// <summary>What one receipt costs both sides together: issued, checked, countersigned, and stored three times. At the largest window a GiB takes at most 128.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "The benchmark's own clean-up disposes what it set up.")]
public class Receipts
{
    private readonly IdentitySigner _consumer = new(PeerIdentity.Generate()), _provider = new(PeerIdentity.Generate());
    private readonly SessionOptions _options = new() { LegSize = 1L << 60 };
    private string _folder = null!;
    private ILedgerStore _near = null!, _far = null!;
    private ConsumerSessionState _paying = null!;
    private ProviderSessionState _serving = null!;
    private long _served;

    /// <summary>Signing and checking alone, or with both ledgers on disk.</summary>
    [Params(false, true)]
    public bool Durable { get; set; }

    /// <summary>Opens a session on both sides.</summary>
    [GlobalSetup]
    public async Task Setup()
    {
        _folder = Directory.CreateTempSubdirectory("overlay-receipts-").FullName;
        _near = Durable ? await SqliteLedgerStore.OpenAsync(Path.Combine(_folder, "near.db"), default) : new InMemoryLedgerStore();
        _far = Durable ? await SqliteLedgerStore.OpenAsync(Path.Combine(_folder, "far.db"), default) : new InMemoryLedgerStore();
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        SessionRecord near = Record(LedgerRole.Consumer, _provider.PublicKey, now), far = Record(LedgerRole.Provider, _consumer.PublicKey, now);
        await _near.SaveSessionAsync(near, default);
        await _far.SaveSessionAsync(far, default);
        _paying = new ConsumerSessionState(near, null, _consumer, _options, CreditWindowRule.Largest, now);
        _serving = new ProviderSessionState(far, null, _provider, _options, CreditWindowRule.Largest, now);
        _served = 0;
    }

    /// <summary>Closes the ledgers.</summary>
    [GlobalCleanup]
    public async Task Cleanup()
    {
        await _near.DisposeAsync();
        await _far.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>From a receipt that is due to one that both have stored with both signatures.</summary>
    [Benchmark]
    public async Task<long> OneReceipt()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        var count = new ByteCount(0, _served += CreditWindowRule.Largest / 2);
        SessionStep issued = _paying.Issue(count, final: false, now);
        await _near.ApplyAsync(issued);
        SessionStep honoured = _serving.OnReceipt((SessionMessage.ReceiptMessage)issued.Send!, count, now);
        await _far.ApplyAsync(honoured);
        await _near.ApplyAsync(_paying.OnCountersigned((SessionMessage.Countersigned)honoured.Send!, last: false, now));
        return _paying.Acknowledged.Total == _served ? _served : throw new InvalidOperationException("The receipt was not acknowledged.");
    }

    private static SessionRecord Record(LedgerRole role, PublicKey counterparty, DateTimeOffset now) => new()
    {
        SessionId = new Digest(Enumerable.Repeat((byte)7, 32).ToArray()),
        Role = role,
        Counterparty = counterparty,
        OfferId = new Digest(Enumerable.Repeat((byte)9, 32).ToArray()),
        PricePerGiB = 50_000,
        CreditWindow = (ulong)CreditWindowRule.Largest,
        Leg = 0,
        Counted = default,
        CountedExactly = false,
        State = SessionState.Open,
        OpenedAt = (ulong)now.ToUnixTimeSeconds(),
        Seed = new BlindingSeed(Enumerable.Repeat((byte)5, BlindingSeed.Size).ToArray()),
    };
}
