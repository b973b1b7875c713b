using Microsoft.Playwright;
using Overlay.TestKit;

namespace Overlay.Interop.Tests.Harness;

/// <summary>Debian's Chromium under Playwright's hand. Remembers what a page must not do: complain on its console, break its content policy, ask another host.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;
    private readonly List<string> _complaints = [];

    private Browser(IPlaywright playwright, IBrowser browser)
    {
        _playwright = playwright;
        _browser = browser;
    }

    /// <summary>What pages complained of, and requests that went elsewhere.</summary>
    internal IReadOnlyList<string> Complaints
    {
        get
        {
            lock (_complaints) return [.. _complaints];
        }
    }

    internal static async Task<Browser> StartAsync()
    {
        const string Chromium = "/usr/bin/chromium";
        if (!File.Exists(Chromium)) Repository.SkipOrFail("chromium is not installed");
        IPlaywright playwright = await Playwright.CreateAsync();
        try
        {
            return new Browser(playwright, await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
            {
                ExecutablePath = Chromium,
                Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
                Timeout = 120_000,
            }));
        }
        catch
        {
            playwright.Dispose();
            throw;
        }
    }

    /// <summary>Opens an address in a page of its own, with cookies of its own.</summary>
    internal async Task<IPage> OpenAsync(string address, int width = 1280, int height = 900, ColorScheme scheme = ColorScheme.Light)
    {
        IBrowserContext context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
            DeviceScaleFactor = 1,
        });
        context.SetDefaultTimeout(60_000);
        IPage page = await context.NewPageAsync();
        string host = new Uri(address).Authority;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") Complain($"console: {message.Text}");
        };
        page.PageError += (_, error) => Complain($"script: {error}");
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url).Authority != host) Complain($"elsewhere: {request.Url}");
        };
        await page.AddInitScriptAsync("addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))");
        await page.GotoAsync(address);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }

    private void Complain(string text)
    {
        lock (_complaints) _complaints.Add(text);
    }
}
