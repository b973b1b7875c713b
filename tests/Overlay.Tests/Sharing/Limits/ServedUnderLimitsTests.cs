using System.Net.Sockets;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing.Limits;
using Overlay.Tests.Sessions;

namespace Overlay.Tests.Sharing.Limits;

/// <summary>Sessions with real sockets behind them, while the owner's line is limited.</summary>
public class ServedUnderLimitsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData(20_000_000)]
    public async Task Session_UnderACap_CarriesTheSameBytesAndCountsEachOnce(int? rate)
    {
        var line = new Line(new GateSetting(IsOpen: true, rate, null));
        await using var pair = new SessionPair(providerLine: line);
        ConsumerSession session = await pair.OpenAsync();
        byte[] sent = SessionTests.RandomBytes(1, 1_000_000);

        Assert.Equal(sent, await SessionTests.EchoAsync(session, sent));

        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        Assert.Equal(2_000_000, line.Gate.Collect());
        Assert.Equal((1_000_000, 1_000_000), await pair.TotalAsync(pair.ProviderStore));
        // Each relayed byte crosses the owner's line twice.
        Assert.Equal(4_000_000UL, line.Gate.Look(static usage => usage.MonthUsed));
        await line.Gate.DisposeAsync();
    }

    [Fact]
    public async Task Provider_OwnerNeedsTheLine_MakesNoOfferOpensNoSessionAndRefusesConnects()
    {
        var line = new Line(new GateSetting(IsOpen: true, null, null));
        await using var pair = new SessionPair(providerLine: line);
        ConsumerSession session = await pair.OpenAsync();
        Assert.NotNull(await pair.Provider.MakeOfferAsync(Token));
        line.Refusal = "The provider's owner needs the line.";

        var refused = await Assert.ThrowsAsync<ConnectRefusedException>(async () => await session.ConnectAsync("origin", 80, Token));
        Assert.Equal(ConnectCode.OwnerBusy, refused.Code);
        Assert.Equal(SessionError.Capacity, (await Assert.ThrowsAsync<SessionException>(async () =>
            await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token))).Reason);
        Assert.Null(await pair.Provider.MakeOfferAsync(Token));

        line.Refusal = null;
        Assert.Equal(new byte[10], await SessionTests.EchoAsync(session, new byte[10]));
        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        await line.Gate.DisposeAsync();
    }

    [Fact]
    public async Task Provider_EndsAllSessions_LastReceiptsAreTaken()
    {
        var line = new Line(new GateSetting(IsOpen: true, null, null));
        await using var pair = new SessionPair(providerLine: line);
        ConsumerSession session = await pair.OpenAsync();
        await SessionTests.EchoAsync(session, new byte[100_000]);

        await pair.Provider.EndAllAsync(Token);

        await pair.Listener.WhenHandledAsync();
        Assert.Equal((100_000, 100_000), await pair.TotalAsync(pair.ProviderStore));
        await line.Gate.DisposeAsync();
    }

    [Fact]
    public async Task Provider_OwnerPausesWhileASessionIsBeingOpened_ItEndsInOrder()
    {
        // Asked for the offer, before the session is opened, and when it lives.
        int asked = 0;
        var line = new Line(new GateSetting(IsOpen: true, null, null)) { Ask = () => ++asked < 3 ? null : "The provider's owner needs the line." };
        await using var pair = new SessionPair(providerLine: line);

        await pair.OpenAsync();

        await pair.Listener.WhenHandledAsync().InTime();
        Assert.Equal(3, asked);
        Assert.Empty(pair.Provider.Live);
        await line.Gate.DisposeAsync();
    }

    private sealed class Line : IOwnerLine
    {
        internal Line(GateSetting setting)
        {
            var book = new UsageBook(null);
            book.Turn(new DateOnly(2026, 11, 23), new DateOnly(2026, 11, 1));
            Gate = new LineGate(book, new UsageInMemory(), TimeProvider.System);
            Gate.SetAsleep(false);
            Gate.Set(setting);
        }

        internal LineGate Gate { get; }

        internal Func<string?> Ask { get; init; } = static () => null;

        public string? Refusal
        {
            get => field ?? Ask();
            set;
        }

        public IRelayPass Begin(PublicKey consumer, Socket target) => Gate.Begin(consumer, target);
    }
}
