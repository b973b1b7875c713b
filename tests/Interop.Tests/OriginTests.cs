using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>curl, Chromium and nginx with nothing between them: when these fail, the fault is in the harness and not in Overlay.</summary>
public sealed class OriginTests
{
    [Fact]
    public async Task Curl_StraightToNginx_GetsTheFileBitForBitAndCountsItsBytes()
    {
        const int Size = 3_000_001;
        await using Nginx origin = await Nginx.StartAsync();
        string sha256 = await TestFiles.WriteAsync(Path.Combine(origin.Root, "file.bin"), Size, seed: 1);

        CurlResult result = await Curl.FetchAsync(origin.Url("file.bin"));

        Assert.Equal((0, 200, sha256), (result.ExitCode, result.HttpStatus, result.BodySha256));
        Assert.InRange(result.BytesDown, Size + 100, Size + 1000);
        Assert.InRange(result.BytesUp, 50, 500);
    }

    [Fact]
    public async Task Curl_ManyFilesStraightToNginx_GetsEachBitForBit()
    {
        using var folder = new TemporaryFolder();
        await using Nginx origin = await Nginx.StartAsync();
        SmallFiles files = await SmallFiles.CreateAsync(origin, folder, count: 50);

        CurlResult result = await Curl.FetchManyAsync(files.Targets, folder.File("list"));

        Assert.Equal((0, 50), (result.ExitCode, result.Reports.Count));
        await files.AssertArrivedAsync();
    }

    [Fact]
    public async Task Chromium_StraightToNginx_LoadsThePageWithItsImages()
    {
        await using Nginx origin = await Nginx.StartAsync();
        await PictureBook.WriteAsync(origin.Root);

        string document = await Chromium.DumpAsync(origin.Url(PictureBook.Page), socksProxy: null);

        Assert.Contains(PictureBook.LoadedMark, document, StringComparison.Ordinal);
    }
}
