using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>The dashboard of a real provider, in Debian's Chromium, while curl downloads through it.</summary>
public sealed class DashboardTests
{
    private const int Size = 48 << 20;

    [Fact]
    public async Task Dashboard_OfAProviderThatIsUsed_ShowsWhatItsLedgerSays()
    {
        await using Browser browser = await Browser.StartAsync();
        await using Nginx origin = await Nginx.StartAsync();
        using var folder = new TemporaryFolder();
        await TestFiles.WriteAsync(Path.Combine(origin.Root, "file.bin"), Size, seed: 3);
        await using OverlayNodeProcess provider = await OverlayNodeProcess.StartAsync(
            folder.CreateFolder("provider"), "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--share", "--region", "DE", "--price", "0.05", "--allow-private-targets",
            "--allow-port", $"{origin.Port}", "--dashboard", "127.0.0.1:0");
        await using OverlayNodeProcess consumer = await OverlayNodeProcess.StartConsumerAsync(folder.CreateFolder("consumer"), provider.Address);
        IPage page = await browser.OpenAsync(provider.Dashboard);
        await Expect(page, "#state").ToHaveTextAsync("Sharing");
        await Expect(page, "#earned").ToHaveTextAsync("0.00");
        await Expect(page, "#sessions-empty").ToBeVisibleAsync();

        CurlResult result = await Curl.FetchAsync(origin.Url("file.bin"), Curl.ThroughSocks(consumer.Socks));
        Assert.True(result.ExitCode == 0, result.Errors);
        await Expect(page, "#sessions tbody tr").ToHaveCountAsync(1);
        await Expect(page, "#sessions tbody").ToContainTextAsync(consumer.PeerId[^10..]);
        await consumer.StopAsync();
        await Expect(page, "#sessions-empty").ToBeVisibleAsync();

        // The page, the ledger and curl name the same bytes.
        await page.ClickAsync("#ledger-load");
        await Expect(page, "#ledger-sessions tbody tr").ToHaveCountAsync(1);
        await page.ClickAsync("#ledger-sessions tbody button");
        await page.ClickAsync("#receipts li:first-child summary");
        ILocator facts = page.Locator("#receipts li:first-child dl");
        await Assertions.Expect(facts).ToContainTextAsync(string.Create(CultureInfo.InvariantCulture, $"{result.BytesDown:#,0} bytes"));
        await Assertions.Expect(facts).ToContainTextAsync(string.Create(CultureInfo.InvariantCulture, $"{result.BytesUp:#,0} bytes"));
        await Expect(page, "#steps li:nth-child(2)").ToContainTextAsync("Every byte has its receipt.");
        JsonElement leg = Assert.Single(await OverlayCli.SucceedAsync("ledger", "list", "--data", provider.DataFolder));
        await Assertions.Expect(facts).ToContainTextAsync(leg.GetProperty("hash").GetString()!);
        await Expect(page, "#earned").ToHaveTextAsync(leg.GetProperty("credits").GetDecimal().ToString("0.00####", CultureInfo.InvariantCulture));

        // With all that can be on it, in both schemes, wide and narrow. Colours that are still on their way are nobody's.
        foreach (ColorScheme scheme in new[] { ColorScheme.Dark, ColorScheme.Light })
        {
            await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce });
            Assert.Empty(await FindBarriersAsync(page));
        }

        await page.SetViewportSizeAsync(390, 844);
        Assert.Empty(await FindBarriersAsync(page));
        await page.SetViewportSizeAsync(1280, 900);

        await page.ClickAsync("#pause");
        await Expect(page, "#pause").ToHaveTextAsync("Resume sharing");
        JsonElement limits = Assert.Single(await OverlayCli.SucceedAsync("limits", "--data", provider.DataFolder));
        Assert.True(limits.GetProperty("paused").GetBoolean());
        await Expect(page, "#state").ToHaveTextAsync("Paused");

        await provider.StopAsync();
        await Expect(page, "#state").Not.ToHaveTextAsync("Paused");
        // That the node is gone is all that the browser may complain of.
        Assert.DoesNotContain(browser.Complaints, complaint => !complaint.Contains("ERR_", StringComparison.Ordinal));
    }

    // What axe finds on a page as it stands that somebody with a screen reader, a keyboard or weak eyes would stumble over, each by its rule and place.
    private static async Task<string[]> FindBarriersAsync(IPage page)
    {
        string script = Path.Combine(RealTools.FindJsPeer(), "node_modules", "axe-core", "axe.min.js");
        // Evaluated, not added to the page, whose policy forbids that.
        await page.EvaluateAsync(await File.ReadAllTextAsync(script, TestContext.Current.CancellationToken));
        return await page.EvaluateAsync<string[]>(
            """
            async () => {
              const found = await axe.run();
              if (found.passes.length < 10) throw new Error('axe has hardly looked');
              return found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target}: ${node.failureSummary}`));
            }
            """);
    }

    private static ILocatorAssertions Expect(IPage page, string selector) => Assertions.Expect(page.Locator(selector));
}
