using Overlay.Gossip.Links;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Gossip;

/// <summary>Peers whose streams fail.</summary>
public sealed class RestBookTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Begin_AgainAndAgain_RestsTwiceAsLongUpToAMinute()
    {
        var book = new RestBook(10);
        TimeSpan now = TimeSpan.Zero;
        var lengths = new List<int>();
        for (int i = 0; i < 8; i++)
        {
            book.Begin(Peer(1), now, now);
            int length = 0;
            while (book.IsResting(Peer(1), now + length * s_second)) length++;
            lengths.Add(length);
            now += length * s_second;
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], lengths);
        book.Begin(Peer(1), now - 61 * s_second, now);
        Assert.False(book.IsResting(Peer(1), now + s_second));
        book.Forget(now + 100 * s_second);
        Assert.Equal(0, book.Count);
    }

    [Fact]
    public void Begin_MoreThanAreRemembered_ReplacesTheOneThatRestsForTheShortestTime()
    {
        var book = new RestBook(3);
        for (int i = 0; i < 3; i++) book.Begin(Peer(1), TimeSpan.Zero, TimeSpan.Zero);

        for (byte i = 2; i < 100; i++) book.Begin(Peer(i), TimeSpan.Zero, TimeSpan.Zero);

        Assert.Equal(3, book.Count);
        Assert.True(book.IsResting(Peer(1), 3 * s_second));
        Assert.True(book.IsResting(Peer(99), TimeSpan.Zero));
    }

    private static PeerId Peer(byte number)
    {
        Assert.True(PeerId.TryFromBytes([0x12, 32, number, .. new byte[31]], out PeerId? peer));
        return peer;
    }
}
