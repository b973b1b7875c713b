using Overlay.Interop.Tests.Harness;
using Overlay.TestKit;

namespace Overlay.Interop.Tests;

/// <summary>Debian's Chromium through the consumer's SOCKS5 port.</summary>
public sealed class BrowserTests
{
    [Fact]
    public async Task Chromium_ThroughSocks_LoadsAPageWithItsImages()
    {
        await using Chain chain = await Chain.StartAsync();
        await PictureBook.WriteAsync(chain.Origin.Root);
        string pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "screenshots")).FullName;
        string picture = Path.Combine(pictures, "chromium-through-socks.png");

        string document = await Chromium.DumpAsync(chain.Origin.Url(PictureBook.Page), chain.Consumer.Socks);
        await Chromium.ScreenshotAsync(chain.Origin.Url(PictureBook.Page), chain.Consumer.Socks, picture);
        await chain.StopAsync();
        IReadOnlyList<LedgerLeg> legs = await chain.AssertLedgersAgreeAsync();

        Assert.Contains(PictureBook.LoadedMark, document, StringComparison.Ordinal);
        Assert.True(new FileInfo(picture).Length > 2_000, "The screenshot is empty.");
        // Two visits, and none of it past the proxy.
        Assert.True(legs.Sum(leg => leg.Down) >= 2 * PictureBook.ImageBytes, "The images came some other way.");
    }
}
