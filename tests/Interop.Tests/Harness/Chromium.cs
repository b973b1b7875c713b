namespace Overlay.Interop.Tests.Harness;

/// <summary>Runs Debian's Chromium without a window.</summary>
internal static class Chromium
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>Loads a page, lets its scripts end, and gives the document that came of it.</summary>
    internal static async Task<string> DumpAsync(string url, string? socksProxy) =>
        await RunAsync(socksProxy, ["--dump-dom", url]);

    /// <summary>Loads a page and saves a picture of it as PNG.</summary>
    internal static Task ScreenshotAsync(string url, string? socksProxy, string file) =>
        RunAsync(socksProxy, [$"--screenshot={file}", "--window-size=900,600", "--hide-scrollbars", url]);

    private static async Task<string> RunAsync(string? socksProxy, string[] arguments)
    {
        using var profile = new TemporaryFolder();
        List<string> all =
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-extensions", $"--user-data-dir={profile.Path}", "--virtual-time-budget=20000",
        ];
        // Without the second switch Chromium reaches loopback past the proxy.
        if (socksProxy is not null) all.AddRange([$"--proxy-server=socks5://{socksProxy}", "--proxy-bypass-list=<-loopback>"]);
        await using var process = ChildProcess.Start(RealTools.Find("chromium"), all.Concat(arguments));
        int code = await process.WaitForExitAsync(s_patience, TestContext.Current.CancellationToken);
        Assert.True(code == 0, $"Chromium ended with {code}:\n{process.Errors}");
        return string.Join('\n', process.TakeLines());
    }
}
