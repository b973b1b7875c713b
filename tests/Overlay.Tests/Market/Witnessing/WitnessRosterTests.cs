using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Market.Witnessing;
using Overlay.Transport.Identify;

namespace Overlay.Tests.Market.Witnessing;

public sealed class WitnessRosterTests
{
    private readonly FakeTimeProvider _time = new(Words.Now);
    private int _asked;
    private int _count = 3;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_WithinTenMinutes_AsksOnceAndKeepsWhatItHadWhenNobodyIsFound()
    {
        var roster = new WitnessRoster(_ => Give(), _time, new FakeLogger());
        Assert.Equal(3, (await roster.GetAsync(Token)).Count);
        Assert.Equal(3, (await roster.GetAsync(Token)).Count);
        Assert.Equal(1, _asked);
        _time.Advance(TimeSpan.FromMinutes(10));
        _count = 0;
        Assert.Equal(3, (await roster.GetAsync(Token)).Count);
        Assert.Equal(2, _asked);
        // An empty answer does not hold for long.
        _time.Advance(TimeSpan.FromSeconds(10));
        _count = 2;
        Assert.Equal(2, (await roster.GetAsync(Token)).Count);
    }

    [Fact]
    public async Task Get_MoreThanItHolds_StopsThere()
    {
        _count = WitnessRoster.MaxCount + 10;
        Assert.Equal(WitnessRoster.MaxCount, (await new WitnessRoster(_ => Give(), _time, new FakeLogger()).GetAsync(Token)).Count);
    }

    private async IAsyncEnumerable<PeerInfo> Give()
    {
        _asked++;
        await Task.Yield();
        for (int i = 0; i < _count; i++) yield return new PeerInfo { PeerId = Words.PeerOf(i) };
    }
}
