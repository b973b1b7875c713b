using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>curl through a consumer and a provider, two processes: every byte arrives, and both ledgers name what was sent.</summary>
public sealed class DownloadTests
{
    [Fact]
    public async Task Socks_LargeFile_ArrivesBitForBitAndBothLedgersNameItsBytes()
    {
        await using Chain chain = await Chain.StartAsync();
        string sha256 = await TestFiles.WriteAsync(Path.Combine(chain.Origin.Root, "large.bin"), TestSizes.LargeFile, seed: 7);

        CurlResult result = await Curl.FetchAsync(chain.Origin.Url("large.bin"), Curl.ThroughSocks(chain.Consumer.Socks));
        await chain.StopAsync();
        IReadOnlyList<LedgerLeg> legs = await chain.AssertLedgersAgreeAsync();

        Assert.True(result.ExitCode == 0, result.Errors);
        Assert.Equal(sha256, result.BodySha256);
        Assert.Equal((result.BytesUp, result.BytesDown), (legs.Sum(leg => leg.Up), legs.Sum(leg => leg.Down)));
    }

    [Fact]
    public async Task Socks_ThousandSmallFiles_ArriveBitForBitAndBothLedgersNameTheirBytes()
    {
        await using Chain chain = await Chain.StartAsync();
        SmallFiles files = await SmallFiles.CreateAsync(chain.Origin, chain.Copies, count: 1000);

        CurlResult result = await Curl.FetchManyAsync(files.Targets, chain.Copies.File("list"), Curl.ThroughSocks(chain.Consumer.Socks));
        await chain.StopAsync();
        IReadOnlyList<LedgerLeg> legs = await chain.AssertLedgersAgreeAsync();

        Assert.True(result.ExitCode == 0, result.Errors);
        Assert.Equal(1000, result.Reports.Count);
        await files.AssertArrivedAsync();
        Assert.Equal((result.BytesUp, result.BytesDown), (legs.Sum(leg => leg.Up), legs.Sum(leg => leg.Down)));
    }

    [Fact]
    public async Task HttpProxy_PlainRequestAndTunnel_ArriveBitForBitAndAreBothPaidFor()
    {
        const int Size = 5_000_003;
        await using Chain chain = await Chain.StartAsync();
        string sha256 = await TestFiles.WriteAsync(Path.Combine(chain.Origin.Root, "file.bin"), Size, seed: 9);

        CurlResult plain = await Curl.FetchAsync(chain.Origin.Url("file.bin"), Curl.ThroughHttp(chain.Consumer.HttpProxy));
        CurlResult tunnel = await Curl.FetchAsync(chain.Origin.Url("file.bin"), Curl.ThroughConnect(chain.Consumer.HttpProxy));
        await chain.StopAsync();
        IReadOnlyList<LedgerLeg> legs = await chain.AssertLedgersAgreeAsync();

        Assert.Equal((0, 200, sha256), (plain.ExitCode, plain.HttpStatus, plain.BodySha256));
        Assert.Equal((0, 200, 200, sha256), (tunnel.ExitCode, tunnel.HttpStatus, tunnel.ConnectStatus, tunnel.BodySha256));
        // The proxies speak for themselves towards curl, so only the bodies and nginx's headers are known to the byte from outside.
        Assert.InRange(legs.Sum(leg => leg.Down), (2 * Size) + 200, (2 * Size) + 2000);
    }

    [Fact]
    public async Task Socks_SeveralSessionsOneAfterAnother_EachIsSettledOnBothSides()
    {
        await using Chain chain = await Chain.StartAsync();
        await TestFiles.WriteAsync(Path.Combine(chain.Origin.Root, "file.bin"), 1 << 20, seed: 3);
        long down = 0;

        for (int i = 0; i < 3; i++)
        {
            CurlResult result = await Curl.FetchAsync(chain.Origin.Url("file.bin"), Curl.ThroughSocks(chain.Consumer.Socks));
            Assert.True(result.ExitCode == 0, result.Errors);
            down += result.BytesDown;
            await chain.Consumer.StopAsync();
            if (i < 2) await chain.StartConsumerAsync();
        }

        await chain.Provider.StopAsync();
        IReadOnlyList<LedgerLeg> legs = await chain.AssertLedgersAgreeAsync();

        Assert.Equal(3, legs.Select(leg => leg.SessionId).Distinct().Count());
        Assert.Equal(down, legs.Sum(leg => leg.Down));
    }
}
