using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using Overlay.Node.Commands;
using Overlay.Node.Output;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Using;

namespace Overlay.Node.Demo;

/// <summary>Three parties on this machine: a web server, a provider that reaches it, a consumer that pays the provider. Real sockets, real files, real receipts.</summary>
internal sealed class DemoRun(Invocation invocation, ulong contentSize)
{
    private const decimal PricePerGiB = 0.05m;

    private readonly IOutput _output = invocation.Output;
    private readonly CancellationToken _stop = invocation.Stop;

    /// <summary>Plays all of it. True when every count agrees.</summary>
    internal async Task<bool> RunAsync()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("overlay-demo-");
        try
        {
            string providerFolder = Path.Combine(folder.FullName, "provider"), consumerFolder = Path.Combine(folder.FullName, "consumer");
            await using var origin = new OriginServer(contentSize);
            Download download = await DownloadAsync(origin, providerFolder, consumerFolder);
            LedgerReport provider = await ReadLedgerAsync("provider", providerFolder, LedgerRole.Provider);
            LedgerReport consumer = await ReadLedgerAsync("consumer", consumerFolder, LedgerRole.Consumer);
            DemoClaims claims = await ClaimAsync(providerFolder);
            var verdict = new DemoVerdict(contentSize, origin.Received, origin.Sent, download, provider, consumer, claims);
            _output.Write(verdict);
            return verdict.Agrees;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Claims what the provider has served, as somebody would whom a stranger asks for evidence, and shows that a claim with a bit changed is refused.</summary>
    private async Task<DemoClaims> ClaimAsync(string folder)
    {
        IReadOnlyList<ulong> epochs;
        await using (SqliteLedgerStore store = await SqliteLedgerStore.OpenReadOnlyAsync(DataFolder.LedgerFile(folder), _stop))
            epochs = await ClaimSource.FindEpochsAsync(store, _stop);

        // Legs on both sides of the full hour are of two epochs, and so of two claims.
        var claims = new DemoClaims();
        foreach (ulong epoch in epochs)
        {
            byte[] claim = (await OverlayLedger.CreateClaimAsync(folder, new ClaimRequest { Epoch = epoch, ExactTotal = true, AmountsInRange = true }, null, _stop)).Encode();
            byte[] tampered = [.. claim];
            tampered[tampered.Length / 2] ^= 1;
            claims.Add(ClaimVerifier.Verify(claim), ClaimVerifier.Verify(tampered));
            _output.Write(claims);
        }

        return claims;
    }

    private async Task<Download> DownloadAsync(OriginServer origin, string providerFolder, string consumerFolder)
    {
        // A stranger to the network need not hear that this provider lets people into loopback: here that is the point.
        var services = new OverlayServices { LoggerFactory = invocation.IsVerbose ? invocation.Logging : null };
        await using OverlayNode provider = await OverlayNode.StartAsync(
            new OverlayOptions
            {
                DataDirectory = providerFolder,
                Listen = ["/ip4/127.0.0.1/tcp/0"],
                // The web server stands on loopback, where an exit lets nobody by itself.
                Sharing = new SharingOptions
                {
                    PricePerGiB = PricePerGiB,
                    AllowedPorts = [origin.EndPoint.Port],
                    AllowPrivateTargets = true,
                    AskConsent = DemoConsent.Ask
                },
            },
            services, _stop);
        await using OverlayNode consumer = await OverlayNode.StartAsync(
            new OverlayOptions
            {
                DataDirectory = consumerFolder,
                Providers = [provider.Addresses[0].ToString()],
                Socks = new Socks5Options { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) },
            },
            services, _stop);
        _output.Write(new DemoCast(origin.EndPoint, provider, consumer, PricePerGiB));

        Download download = await _output.WithProgressAsync("downloading", contentSize, progress => FetchAsync(origin.EndPoint, consumer.SocksEndPoint!, progress));
        _output.Write(download);
        return download;
    }

    /// <summary>What any program with a SOCKS5 setting would do.</summary>
    private async Task<Download> FetchAsync(IPEndPoint origin, IPEndPoint socks, IProgress<long> progress)
    {
        using var handler = new SocketsHttpHandler { Proxy = new WebProxy($"socks5://{socks}"), UseProxy = true };
        using var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        long started = Stopwatch.GetTimestamp();
        using HttpResponseMessage response = await client.GetAsync(new Uri($"http://{origin}/"), HttpCompletionOption.ResponseHeadersRead, _stop);
        response.EnsureSuccessStatusCode();
        await using Stream content = await response.Content.ReadAsStreamAsync(_stop);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[64 * 1024];
        ulong received = 0;
        int read;
        while ((read = await content.ReadAsync(buffer, _stop)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            received += (ulong)read;
            progress.Report(read);
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        return new Download(received, elapsed, hash.GetHashAndReset(), DemoContent.Hash(contentSize));
    }

    /// <summary>Reads a party's ledger from its disk, as an owner would afterwards, and checks every signature in it.</summary>
    private async Task<LedgerReport> ReadLedgerAsync(string party, string folder, LedgerRole role)
    {
        string file = DataFolder.LedgerFile(folder);
        LedgerVerdict verdict = await LedgerVerifier.VerifyFileAsync(file, _stop);
        var totals = new ReceiptTotals();
        var receipts = new List<ReceiptLine>();
        await using (SqliteLedgerStore store = await SqliteLedgerStore.OpenReadOnlyAsync(file, _stop))
        {
            await foreach (ReceiptEntry entry in store.ReadReceiptsAsync(null, _stop))
            {
                totals.Add(entry);
                receipts.Add(new ReceiptLine(entry));
            }
        }

        var report = new LedgerReport(party, totals.Of(role), verdict);
        // Both hold the same receipts: once is enough for the eye.
        if (role == LedgerRole.Provider)
        {
            _output.Write(new DemoReceiptsHead(receipts.Count));
            _output.WriteTable(ReceiptLine.Columns, receipts);
        }

        _output.Write(report);
        return report;
    }
}
