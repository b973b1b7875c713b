using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using Overlay.Interop.Tests.Harness;
using Overlay.Node.Dashboard;
using Overlay.TestKit;

namespace Overlay.Node.Tests.Dashboard;

/// <summary>The page in Debian's Chromium, by mouse, keyboard and what a screen reader is told.</summary>
public sealed class DashboardPageTests : IAsyncLifetime
{
    private readonly FakeDashboardNode _node = new();
    private DashboardServer _server = null!;
    private Browser _browser = null!;

    private static string Pictures => Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "screenshots")).FullName;

    public async ValueTask InitializeAsync()
    {
        _browser = await Browser.StartAsync();
        await _node.FillLedgerAsync(sessions: 55, receipts: 3);
        _server = await StartAsync(_node);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        if (_browser is not null) await _browser.DisposeAsync();
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(375, ColorScheme.Light)]
    [InlineData(375, ColorScheme.Dark)]
    [InlineData(320, ColorScheme.Light)]
    public async Task Page_AtAnyWidthAndInBothSchemes_ShowsTheNodeWithoutAComplaint(int width, ColorScheme scheme)
    {
        IPage page = await _browser.OpenAsync(_server.Address.AbsoluteUri, width, 850, scheme);
        await Expect(page, "#state").ToHaveTextAsync("Sharing");
        await Expect(page, "#chart-words").ToContainTextAsync("On average");
        string before = await page.InnerTextAsync("#rate");

        // It lives: the node's rate changes, and the page with it.
        await Expect(page, "#rate").Not.ToHaveTextAsync(before);
        await Expect(page, "#sessions tbody tr").ToHaveCountAsync(2);
        await Expect(page, "#steps li").ToHaveCountAsync(4);
        await page.ClickAsync("#ledger-load");
        await Expect(page, "#ledger-sessions tbody tr").ToHaveCountAsync(50);

        // The token is nowhere that somebody could look over a shoulder for.
        Assert.Equal("", await page.EvaluateAsync<string>("location.hash"));
        Assert.DoesNotContain("token", await page.EvaluateAsync<string>("document.cookie + JSON.stringify(sessionStorage)"), StringComparison.Ordinal);
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), "The page is wider than its window.");
        Assert.Equal(scheme == ColorScheme.Dark, await page.EvaluateAsync<bool>("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] < 100"));
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Pictures, $"dashboard-{width}-{scheme}.png".ToLowerInvariant()), FullPage = true });
        Assert.Empty(_browser.Complaints);
    }

    [Fact]
    public async Task Keyboard_Alone_PausesMovesASliderAndReadsAReceipt()
    {
        IPage page = await _browser.OpenAsync(_server.Address.AbsoluteUri);
        await Expect(page, "#pause").ToBeVisibleAsync();

        await TabToAsync(page, "pause");
        Assert.NotEqual("none", await page.EvaluateAsync<string>("getComputedStyle(document.activeElement).outlineStyle"));
        await page.Keyboard.PressAsync("Enter");
        await Expect(page, "#state").ToHaveTextAsync("Paused");
        await Expect(page, "#pause").ToHaveAttributeAsync("aria-pressed", "true");
        await page.Keyboard.PressAsync("Space");
        await Expect(page, "#state").ToHaveTextAsync("Sharing");

        await TabToAsync(page, "cap-maxUpload");
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(page, "#limits-said").ToHaveTextAsync("Upload: 75 Mbit/s.");
        await Expect(page, "#cap-maxUpload").ToHaveAttributeAsync("aria-valuetext", "75 Mbit/s");
        await page.Keyboard.PressAsync("End");
        await Expect(page, "#limits-said").ToHaveTextAsync("Upload: no limit.");

        await TabToAsync(page, "ledger-load");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page, "#ledger-sessions tbody tr").ToHaveCountAsync(50);
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page, "#receipts li").ToHaveCountAsync(3);
        Assert.Equal("receipts-title", await page.EvaluateAsync<string>("document.activeElement.id"));
        await TabToAsync(page, "receipts-back");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page, "#receipts li:first-child dl").ToContainTextAsync("Commitment");

        Assert.Equal(["pause", "resume", "caps", "caps"], _node.Done);
        Assert.Equal(new OwnerCaps(null, null, null, ByteSize.FromGibibytes(500)), _node.Caps);
        Assert.Empty(_browser.Complaints);
    }

    [Fact]
    public async Task Peers_WithMarkupForAName_AreShownAsText()
    {
        IPage page = await _browser.OpenAsync(_server.Address.AbsoluteUri);
        await Expect(page, "#refusals tbody tr").ToHaveCountAsync(1);

        Assert.Contains("<img src=x", await page.InnerTextAsync("#refusals"), StringComparison.Ordinal);
        Assert.DoesNotContain('\u202E', await page.InnerTextAsync("body"));
        Assert.Equal(0, await page.Locator("[onerror]").CountAsync());
        Assert.Empty(_browser.Complaints);
    }

    [Fact]
    public async Task Landmarks_LabelsAndContrast_AreThereForEveryReader()
    {
        foreach (ColorScheme scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            IPage page = await _browser.OpenAsync(_server.Address.AbsoluteUri, scheme: scheme);
            await Expect(page, "#state").ToHaveTextAsync("Sharing");

            foreach (string landmark in new[] { "banner", "main", "contentinfo" }) Assert.Equal(1, await page.Locator($"role={landmark}").CountAsync());
            Assert.Equal("[]", await page.EvaluateAsync<string>(Unnamed));
            Assert.Equal("[]", await page.EvaluateAsync<string>(Faint));
        }

        Assert.Empty(_browser.Complaints);
    }

    [Fact]
    public async Task Page_WithoutItsToken_SaysWhatToDoAndShowsNothing()
    {
        IPage page = await _browser.OpenAsync(new Uri(_server.Address, "/").AbsoluteUri);

        await Expect(page, "#notice").ToContainTextAsync("Open the address that the node printed");
        await Expect(page, "#ledger").ToBeHiddenAsync();
        Assert.Empty(_browser.Complaints);
    }

    [Fact]
    public async Task Page_Reloaded_GoesOnWithItsCookie()
    {
        IPage page = await _browser.OpenAsync(_server.Address.AbsoluteUri);
        await Expect(page, "#state").ToHaveTextAsync("Sharing");

        await page.ReloadAsync();

        await Expect(page, "#state").ToHaveTextAsync("Sharing");
        Assert.Empty(_browser.Complaints);
    }

    [Fact]
    public async Task Page_OfANodeWithoutControls_HidesThem()
    {
        await using DashboardServer other = await StartAsync(new FakeDashboardNode { HasControls = false });
        IPage page = await _browser.OpenAsync(other.Address.AbsoluteUri);

        await Expect(page, "#state").ToHaveTextAsync("Sharing");
        await Expect(page, "#pause").ToBeHiddenAsync();
        await Expect(page, "#limits").ToBeHiddenAsync();
    }

    // Buttons, fields and tables that nobody is told the name of.
    private const string Unnamed = """
        (() => JSON.stringify([...document.querySelectorAll('button, input, table, section')].filter(e => e.checkVisibility()).filter(e =>
          !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length) || (e.matches('table') && !e.caption)
          || (e.matches('section') && !document.getElementById(e.getAttribute('aria-labelledby')))).map(e => e.outerHTML.slice(0, 80))))()
        """;

    // Text below the contrast of WCAG 2.2 AA, 4.5 to 1 (3 to 1 where it is large), against what lies behind it.
    private const string Faint = """
        (() => {
          const parse = c => c.match(/[\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
          const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
          const faint = [];
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const e = walker.currentNode.parentElement;
            if (!walker.currentNode.textContent.trim() || !e.checkVisibility() || e.closest('script, svg')) continue;
            const style = getComputedStyle(e), [a, b] = [light(parse(style.color)), light(behind(e))].sort((x, y) => y - x);
            if ((a + .05) / (b + .05) < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) faint.push(walker.currentNode.textContent.trim().slice(0, 40));
          }
          return JSON.stringify(faint);
        })()
        """;

    private static ILocatorAssertions Expect(IPage page, string selector) => Assertions.Expect(page.Locator(selector));

    private static Task<DashboardServer> StartAsync(IDashboardNode node) => DashboardServer.StartAsync(
        new DashboardOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) }, node, TimeProvider.System, LoggerFactory.Create(_ => { }), TestContext.Current.CancellationToken);

    private static async Task TabToAsync(IPage page, string id)
    {
        for (int i = 0; i < 80; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (await page.EvaluateAsync<string>("document.activeElement.id") == id) return;
        }

        Assert.Fail($"The keyboard does not come to {id}.");
    }
}
