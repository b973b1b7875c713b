using Overlay.Market.Witnessing;
using Overlay.TestKit.Proofs;

namespace Overlay.Tests.Market.Witnessing;

public sealed class WitnessScheduleTests
{
    private static readonly TimeSpan s_spread = TimeSpan.FromMinutes(45);
    private static readonly DateTimeOffset s_start = DateTimeOffset.FromUnixTimeSeconds((long)Words.Epoch * 3600);

    private readonly WitnessSchedule _schedule = new(Words.PeerOf(100), 4, s_spread);

    [Fact]
    public void TakeDue_EachProvider_OnceInItsEpochAndNotBeforeItsMoment()
    {
        Watched provider = Add(1, s_start);
        DateTimeOffset moment = WitnessDuty.MomentOf(Words.PeerOf(100), provider.Key, Words.Epoch, s_spread);
        Assert.Null(_schedule.TakeDue(moment - TimeSpan.FromMilliseconds(1)));
        Assert.Equal(provider, _schedule.TakeDue(moment));
        Add(1, moment);
        Assert.Null(_schedule.TakeDue(moment + TimeSpan.FromMinutes(10)));
        DateTimeOffset next = s_start + TimeSpan.FromHours(1);
        Add(1, next);
        Assert.NotNull(_schedule.TakeDue(next + s_spread));
    }

    [Fact]
    public void TakeDue_Several_ComeInTheOrderOfTheirMoments()
    {
        for (int i = 1; i < 5; i++) Add(i, s_start);
        List<DateTimeOffset> moments = [];
        while (_schedule.TakeDue(s_start + s_spread) is { } due) moments.Add(WitnessDuty.MomentOf(Words.PeerOf(100), due.Key, Words.Epoch, s_spread));
        Assert.Equal(4, moments.Count);
        Assert.Equal(moments.Order(), moments);
    }

    [Fact]
    public void Add_MoreThanThereIsRoomFor_LeavesTheRestToOthers()
    {
        for (int i = 1; i < 20; i++) Add(i, s_start);
        Assert.Equal(4, _schedule.Count);
        _schedule.TakeDue(s_start + s_spread);
        Add(99, s_start + s_spread);
        Assert.Equal(4, _schedule.Count);
    }

    [Fact]
    public void Add_ItselfOrWhatTheLastEpochLeft_IsNotKept()
    {
        Add(100, s_start);
        Assert.Equal(0, _schedule.Count);
        Add(1, s_start);
        Assert.Null(_schedule.TakeDue(s_start + TimeSpan.FromHours(1) + s_spread));
    }

    [Fact]
    public void Again_WhatWasTaken_ComesAtItsLaterMomentUnlessTheEpochIsOver()
    {
        Add(1, s_start);
        DateTimeOffset now = s_start + s_spread, later = now + TimeSpan.FromMinutes(10);
        Watched provider = _schedule.TakeDue(now)!;
        _schedule.Again(provider, later, now);
        Assert.Equal(1, _schedule.Count);
        // That it is found once more brings it no earlier.
        Add(1, now);
        Assert.Null(_schedule.TakeDue(later - TimeSpan.FromMilliseconds(1)));
        Assert.NotNull(_schedule.TakeDue(later));
        DateTimeOffset next = s_start + TimeSpan.FromHours(1);
        _schedule.Again(provider, next, next);
        Assert.Equal(0, _schedule.Count);
    }

    private Watched Add(int number, DateTimeOffset now)
    {
        var provider = new Watched(new SeedSigner(number).PublicKey, Words.PeerOf(number), []);
        _schedule.Add(provider, now);
        return provider;
    }
}
