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
        await one.ReadAsync(Cancellation);

        _time.Advance(DashboardFeed.Interval);
        byte[]? first = await one.ReadAsync(Cancellation);
        byte[]? second = await two.ReadAsync(Cancellation);
        while (!ReferenceEquals(first, second)) second = await two.ReadAsync(Cancellation);

        Assert.Equal(2, _node.Looks);
    }

    [Fact]
    public async Task Look_WhileNobodyIsThere_IsNotTaken()
    {
        await using var feed = new DashboardFeed(_node, _time, NullLogger.Instance);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, _node.Looks);
        DashboardFeed.Page page = feed.TryOpen()!;
        await page.ReadAsync(Cancellation);
        page.Dispose();
        page.Dispose();
        int looks = _node.Looks;

        _time.Advance(TimeSpan.FromMinutes(1));
        // The next page waits for the loop before it, so that nothing of that can come later.
        using DashboardFeed.Page next = feed.TryOpen()!;
        await next.ReadAsync(Cancellation);

        Assert.Equal(looks + 1, _node.Looks);
        Assert.Equal(1, feed.Count);
    }

    [Fact]
    public async Task Page_Late_IsToldOfWhatWasBefore()
    {
        await using var feed = new DashboardFeed(_node, _time, NullLogger.Instance);
        using DashboardFeed.Page early = feed.TryOpen()!;
        await early.ReadAsync(Cancellation);
        for (int i = 0; i < 20; i++)
        {
            _time.Advance(DashboardFeed.Interval);
            Assert.InRange(Rates(await early.ReadAsync(Cancellation)), 1, 5);
        }

        using DashboardFeed.Page late = feed.TryOpen()!;
        // However much of it passes before the page comes to read.
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(DashboardFeed.Interval);
            await early.ReadAsync(Cancellation);
        }

        Assert.True(Rates(await late.ReadAsync(Cancellation)) > 20);
    }

    [Fact]
    public async Task Dispose_EndsEveryPage()
    {
        var feed = new DashboardFeed(_node, _time, NullLogger.Instance);
        using DashboardFeed.Page page = feed.TryOpen()!;
        await page.ReadAsync(Cancellation);

        await feed.DisposeAsync();

        while (await page.ReadAsync(Cancellation) is not null)
        {
            // What was told before the end.
        }

        Assert.Null(feed.TryOpen());
    }

    private static int Rates(byte[]? told) => JsonElement.Parse(told!).GetProperty("rates").GetArrayLength();
}
