using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.TestKit.Proofs;

namespace Overlay.Tests.Market.Witnessing;

public sealed class AttestationOutboxTests
{
    private readonly FakeTimeProvider _time = new(Words.Now);
    private readonly Lock _lock = new();
    private readonly List<PublicKey> _told = [];
    private Func<CancellationToken, Task> _take = _ => Task.CompletedTask;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Word_ThatIsTaken_IsToldOnce()
    {
        AttestationOutbox outbox = Open();
        Add(outbox, 1);
        await outbox.HandOverAsync(Token);
        await outbox.HandOverAsync(Token);
        Assert.Single(_told);
        Assert.Equal(0, outbox.Count);
    }

    [Fact]
    public async Task Word_ThatIsNotTaken_IsToldAgainAfterPausesThatGrowUntilTheNextEpochIsOver()
    {
        _take = _ => Task.FromException(new IOException("nobody there"));
        AttestationOutbox outbox = Open();
        Add(outbox, 1);
        var minutes = new List<int>();
        for (int minute = 0; minute < 120; minute++)
        {
            int before = _told.Count;
            await outbox.HandOverAsync(Token);
            if (_told.Count > before) minutes.Add(minute);
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal([0, 1, 3, 7, 15, 30, 45, 60, 75, 90, 105], minutes);
        await outbox.HandOverAsync(Token);
        Assert.Equal(0, outbox.Count);
    }

    [Fact]
    public async Task Words_OfProvidersThatDoNotAnswer_AreWaitedForTogether()
    {
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _take = async token =>
        {
            lock (_lock)
            {
                if (_told.Count == AttestationOutbox.MaxAtOnce) full.TrySetResult();
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, token);
        };
        AttestationOutbox outbox = Open();
        for (int i = 0; i < AttestationOutbox.MaxAtOnce; i++) Add(outbox, 100 + i);
        Task handing = outbox.HandOverAsync(Token);
        await full.Task.WaitAsync(Token);
        _time.Advance(TimeSpan.FromSeconds(15));
        await handing;
        Assert.Equal(AttestationOutbox.MaxAtOnce, outbox.Count);
    }

    [Fact]
    public async Task Words_Many_AreToldToNoMoreThanEightAtOnce()
    {
        int now = 0, most = 0;
        _take = async _ =>
        {
            lock (_lock) most = Math.Max(most, ++now);
            await Task.Yield();
            lock (_lock) now--;
        };
        AttestationOutbox outbox = Open();
        for (int i = 0; i < 40; i++) Add(outbox, 100 + i);
        await outbox.HandOverAsync(Token);
        Assert.Equal((40, 0), (_told.Count, outbox.Count));
        Assert.InRange(most, 1, AttestationOutbox.MaxAtOnce);
    }

    private static void Add(AttestationOutbox outbox, int provider)
    {
        PublicKey key = new SeedSigner(provider).PublicKey;
        outbox.Add(Words.Make(10, provider: key), new Watched(key, Words.PeerOf(provider), []));
    }

    private AttestationOutbox Open() => new(TakeAsync, TimeSpan.FromMinutes(1), _time, new FakeLogger());

    private async ValueTask TakeAsync(Attestation attestation, Watched provider, CancellationToken cancellationToken)
    {
        Assert.Equal(provider.Key, attestation.Body.Provider);
        lock (_lock) _told.Add(provider.Key);
        await _take(cancellationToken);
    }
}
