using System.Net;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.TestKit.Proofs;
using Overlay.Transport;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market.Witnessing;

public sealed class WitnessLoopTests : IAsyncDisposable
{
    private const int NotAttested = 6101;

    private readonly FakeTimeProvider _time = new(Words.Now);
    private readonly FakeLogCollector _log = FakeLogCollector.Create(new FakeLogCollectorOptions());
    private readonly List<PeerHost> _hosts = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (PeerHost host in _hosts) await host.DisposeAsync();
    }

    [Fact]
    public async Task Providers_ThatStall_AreLookedAtTogetherAndNotMoreThanAFewAtOnce()
    {
        List<Watched> providers = [];
        for (int number = 1; number <= WitnessLoop.MaxLooksAtOnce + 2; number++) providers.Add(await ProviderAsync(number));
        var gate = new Lock();
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int begun = 0, now = 0, most = 0;
        await using WitnessLoop loop = Open(providers, async (_, _, _, token) =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++now);
                if (++begun == WitnessLoop.MaxLooksAtOnce) full.TrySetResult();
                if (begun == providers.Count) all.TrySetResult();
            }

            await goOn.Task.WaitAsync(token);
            lock (gate) now--;
            throw new IOException("shows nothing");
        });
        loop.Start();
        await full.Task.WaitAsync(Token);
        goOn.SetResult();
        // What one look comes to ends none of the others.
        await all.Task.WaitAsync(Token);
        Assert.Equal(WitnessLoop.MaxLooksAtOnce, most);
    }

    [Fact]
    public async Task Chain_ThatCannotBeRead_EndsNothingAndIsAskedForAgain()
    {
        List<Watched> providers = [await ProviderAsync(1)];
        var again = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int reads = 0;
        await using WitnessLoop loop = Open(providers, (_, _, _, _) =>
        {
            if (Interlocked.Increment(ref reads) == 2) again.TrySetResult();
            throw new LedgerException(LedgerError.Format, "not a chain");
        });
        loop.Start();
        // The look ends in the background, and tells nobody but the log.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!_log.GetSnapshot().Any(record => record.Id.Id == NotAttested)) await timer.WaitForNextTickAsync(Token);
        Assert.Equal(1, reads);
        _time.Advance(TimeSpan.FromMinutes(10));
        await again.Task.WaitAsync(Token);
    }

    private WitnessLoop Open(IReadOnlyList<Watched> providers, PastBlock pastBlock) => new(
        Words.IdentityOf(10), Host(10),
        new WitnessOptions { Target = "127.0.0.1:1", ListenOn = new IPEndPoint(IPAddress.Loopback, 0), Spread = TimeSpan.Zero }, new TransportOptions(),
        new WitnessRoster(null, _time, new FakeLogger()), new AttestationBook(24, 10), _ => providers.ToAsyncEnumerable(), pastBlock,
        (_, _, _) => { }, _ => Task.FromResult(1), _time, new FakeLogger(_log));

    private async Task<Watched> ProviderAsync(int number)
    {
        PeerHost provider = Host(number);
        await provider.ListenAsync(Multiaddr.FromIPEndPoint(new IPEndPoint(IPAddress.Loopback, 0)), Token);
        return new Watched(new SeedSigner(number).PublicKey, provider.PeerId, provider.ListenAddresses);
    }

    private PeerHost Host(int number)
    {
        var host = new PeerHost(Words.IdentityOf(number), new TransportOptions(), null, _time);
        _hosts.Add(host);
        return host;
    }
}
