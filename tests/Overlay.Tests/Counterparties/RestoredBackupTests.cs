using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Tests.Hosting;
using Overlay.Tests.Sharing;

namespace Overlay.Tests.Counterparties;

/// <summary>Whole nodes on loopback whose data folders are copied and put back.</summary>
public sealed class RestoredBackupTests : IDisposable
{
    private static readonly string[] s_loopback = ["/ip4/127.0.0.1/tcp/0"];

    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-backup-").FullName;
    private readonly FakeLogCollector _log = FakeLogCollector.Create(new FakeLogCollectorOptions());

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Provider => Path.Combine(_folder, "provider");

    private string Consumer => Path.Combine(_folder, "consumer");

    private string Backup => Path.Combine(_folder, "backup");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Provider_RestoredFromABackup_TakesItsBlocksBackFromItsConsumerAndDoesNotFork()
    {
        await using var origin = new TinyOrigin();
        await ServeAsync(origin);
        Copy(Provider, Backup);
        await ServeAsync(origin);
        await ServeAsync(origin);
        // The consumer heard of a block at the meeting after the one it was sealed at.
        Assert.Equal(3, (await BlocksAsync(Provider)).Count);
        Directory.Delete(Provider, recursive: true);
        Copy(Backup, Provider);

        await ServeAsync(origin, until: 2012);
        List<LedgerBlock> blocks = await BlocksAsync(Provider);
        Assert.Equal([0, 1, 2], blocks.Select(block => (int)block.Body.Sequence));
        Assert.Null(LedgerChain.FindFault(null, blocks));
        Assert.Null((await LedgerVerifier.VerifyFileAsync(Path.Combine(Provider, "ledger.db"), Token)).FirstFault);

        // And the consumer finds nothing to object to.
        await ServeAsync(origin);
        Assert.DoesNotContain(_log.GetSnapshot(), record => record.Id.Id is 2020 or 2013);
    }

    [Fact]
    public async Task Provider_ThatWentOnFromABackup_IsFoundToHaveForkedAndGetsNoMoreSessions()
    {
        await using var origin = new TinyOrigin();
        await ServeAsync(origin);
        Copy(Provider, Backup);
        await ServeAsync(origin);
        await ServeAsync(origin);
        Directory.Delete(Provider, recursive: true);
        Copy(Backup, Provider);

        // A consumer that knows of nothing, then the one that does.
        string witness = Consumer + "-away";
        Directory.Move(Consumer, witness);
        await ServeAsync(origin);
        await ServeAsync(origin);
        Directory.Delete(Consumer, recursive: true);
        Directory.Move(witness, Consumer);
        await ServeAsync(origin, until: 2020);

        HttpRequestException failed = await Assert.ThrowsAsync<HttpRequestException>(() => ServeAsync(origin));
        var refused = Assert.IsType<OverlayException>(failed.InnerException);
        Assert.Equal(SessionError.Forked, Assert.IsType<SessionException>(refused.InnerException).Reason);
    }

    // One download from a provider to a consumer, each with its folder; both are closed in good order, so that the provider seals a block.
    private async Task ServeAsync(TinyOrigin origin, int? until = null)
    {
        int compared = Count(2024);
        var services = new OverlayServices { LoggerFactory = new Factory(_log) };
        await using OverlayNode provider = await OverlayNode.StartAsync(
            new OverlayOptions
            {
                DataDirectory = Provider,
                Listen = s_loopback,
                Sharing = new SharingOptions { PricePerGiB = 0.05m, AllowedPorts = [origin.Port], AllowPrivateTargets = true, AskConsent = Consents.Yes },
            },
            services, Token);
        await using OverlayNode consumer = await OverlayNode.StartAsync(
            new OverlayOptions { DataDirectory = Consumer, Providers = [provider.Addresses[0].ToString()] }, services, Token);
        using var http = new HttpClient(consumer.CreateHttpHandler());
        try
        {
            await http.GetStringAsync(origin.Address, Token);
        }
        catch (HttpRequestException) when (until is not null)
        {
            // What the test waits for may end the session.
        }

        // Both sides have compared ledgers, or what the test waits for has happened.
        while (until is { } id ? Count(id) == 0 : Count(2024) < compared + 2) await Task.Yield();
    }

    private int Count(int id) => _log.GetSnapshot().Count(record => record.Id.Id == id);

    private static async Task<List<LedgerBlock>> BlocksAsync(string folder)
    {
        await using SqliteLedgerStore store = await SqliteLedgerStore.OpenReadOnlyAsync(Path.Combine(folder, "ledger.db"), Token);
        return await store.ReadBlocksAsync(0, Token).ToListAsync(Token);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private sealed class Factory(FakeLogCollector log) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new FakeLogger(log, categoryName);

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
