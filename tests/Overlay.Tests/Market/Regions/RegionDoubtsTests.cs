using Overlay.Market.Regions;
using Overlay.Tests.Market.Witnessing;

namespace Overlay.Tests.Market.Regions;

public sealed class RegionDoubtsTests
{
    private static readonly Region s_japan = Region.Parse("JP"), s_germany = Region.Parse("DE");

    [Fact]
    public void Find_WhatWasDoubted_ForAnHourAndThatRegionAlone()
    {
        var doubts = new RegionDoubts(16);
        doubts.Add(Words.PeerOf(1), s_japan, "light", Words.Now);
        Assert.Equal("light", doubts.Find(Words.PeerOf(1), s_japan, Words.Now + TimeSpan.FromMinutes(59)));
        Assert.Null(doubts.Find(Words.PeerOf(1), s_japan, Words.Now + TimeSpan.FromMinutes(60)));
        Assert.Null(doubts.Find(Words.PeerOf(1), s_germany, Words.Now));
        Assert.Null(doubts.Find(Words.PeerOf(2), s_japan, Words.Now));
    }

    [Fact]
    public void Add_MoreThanThereIsRoomFor_ForgetsTheOldest()
    {
        var doubts = new RegionDoubts(16);
        for (int number = 1; number <= 100; number++)
        {
            doubts.Add(Words.PeerOf(number), s_japan, "light", Words.Now);
            doubts.Add(Words.PeerOf(number), s_japan, "file", Words.Now);
        }

        Assert.Equal(16, doubts.Count);
        Assert.Null(doubts.Find(Words.PeerOf(84), s_japan, Words.Now));
        Assert.Equal("file", doubts.Find(Words.PeerOf(85), s_japan, Words.Now));
    }
}
