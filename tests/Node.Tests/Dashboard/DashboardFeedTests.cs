using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Overlay.Node.Dashboard;

namespace Overlay.Node.Tests.Dashboard;

public sealed class DashboardFeedTests
{
    private readonly FakeDashboardNode _node = new();
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Look_ForSeveralPages_IsTakenOnceASecond()
    {
        await using var feed = new DashboardFeed(_node, _time, NullLogger.Instance);
        using DashboardFeed.Page one = feed.TryOpen()!, two = feed.TryOpen()!;
        await one.Reader.ReadAsync(Cancellation);

        _time.Advance(DashboardFeed.Interval);
        byte[] first = await one.Reader.ReadAsync(Cancellation);
        byte[] second = await two.Reader.ReadAsync(Cancellation);
        while (!ReferenceEquals(first, second)) second = await two.Reader.ReadAsync(Cancellation);

        Assert.Equal(2, _node.Looks);
    }

    [Fact]
    public async Task Look_WhileNobodyIsThere_IsNotTaken()
    {
        await using var feed = new DashboardFeed(_node, _time, NullLogger.Instance);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, _node.Looks);
        DashboardFeed.Page page = feed.TryOpen()!;
        await page.Reader.ReadAsync(Cancellation);
        page.Dispose();
        page.Dispose();
        int looks = _node.Looks;

        _time.Advance(TimeSpan.FromMinutes(1));
        // The next page waits for the loop before it, so that nothing of that can come later.
        using DashboardFeed.Page next = feed.TryOpen()!;
        await next.Reader.ReadAsync(Cancellation);

        Assert.Equal(looks + 1, _node.Looks);
        Assert.Equal(1, feed.Count);
    }

    [Fact]
    public async Task Page_Late_IsToldOfWhatWasBefore()
    {
        await using var feed = new DashboardFeed(_node, _time, NullLogger.Instance);
        using DashboardFeed.Page early = feed.TryOpen()!;
        await early.Reader.ReadAsync(Cancellation);
        for (int i = 0; i < 3; i++)
        {
            _time.Advance(DashboardFeed.Interval);
            Assert.Equal(1, Rates(await early.Reader.ReadAsync(Cancellation)));
        }

        using DashboardFeed.Page late = feed.TryOpen()!;
        _time.Advance(DashboardFeed.Interval);

        Assert.True(Rates(await late.Reader.ReadAsync(Cancellation)) > 3);
    }

    [Fact]
    public async Task Dispose_EndsEveryPage()
    {
        var feed = new DashboardFeed(_node, _time, NullLogger.Instance);
        using DashboardFeed.Page page = feed.TryOpen()!;
        await page.Reader.ReadAsync(Cancellation);

        await feed.DisposeAsync();

        await page.Reader.Completion.WaitAsync(Cancellation);
        Assert.Null(feed.TryOpen());
    }

    private static int Rates(byte[] told) => JsonElement.Parse(told).GetProperty("rates").GetArrayLength();
}
