using Overlay.Sharing.Limits;

namespace Overlay.Tests.Sharing.Limits;

public class IdleYieldPolicyTests
{
    private static readonly TimeSpan s_sample = OwnerProtection.SampleInterval;

    [Theory]
    [InlineData(0)]
    [InlineData(2_500_000)]
    [InlineData(100_000_000)]
    public void Judge_OwnerBegins_FallsWithinTwoHundredAndFiftyMilliseconds(int own)
    {
        var policy = new IdleYieldPolicy();
        Feed(policy, TimeSpan.FromSeconds(5), own, 0);

        // A tenth of what others have of the line, or 100 kB/s where they have none.
        double share = Feed(policy, TimeSpan.FromMilliseconds(240), own, Math.Max(own / 10, 100_000));

        Assert.Equal(IdleYieldPolicy.Floor, share);
    }

    [Fact]
    public void Judge_OnlyTheNodesOwn_HoldsNothingBack() => Assert.Equal(1, Feed(new IdleYieldPolicy(), TimeSpan.FromMinutes(1), 10_000_000, 0));

    [Fact]
    public void Judge_CountersRunAheadAndBehind_IsNoOwner()
    {
        var policy = new IdleYieldPolicy();
        Feed(policy, TimeSpan.FromSeconds(1), 1_000_000, 0);
        for (int i = 0; i < 500; i++)
        {
            // What a socket has sent is not yet on the line, and comes with the next look.
            long shift = i % 2 == 0 ? -20_000 : 20_000;
            Assert.Equal(1, policy.Judge(Sample(40_000, 40_000 + shift)));
        }
    }

    [Fact]
    public void Judge_WhatStoodInTheHostsOwnQueueLeaves_IsNoOwner()
    {
        var policy = new IdleYieldPolicy();
        // A transfer begins, fills the queue, loses segments and stands still, while what it sent leaves.
        policy.Judge(Sample(152_000, 97_000));
        policy.Judge(Sample(7_000, 62_000));

        for (int i = 0; i < 50; i++) Assert.Equal(1, policy.Judge(Sample(4_000, 4_000)));
    }

    [Fact]
    public void Judge_OwnerIsQuietAgain_ComesBackGently()
    {
        var policy = new IdleYieldPolicy();
        Feed(policy, TimeSpan.FromSeconds(1), 1_000_000, 5_000_000);
        Assert.Equal(IdleYieldPolicy.Floor, Feed(policy, TimeSpan.FromSeconds(2), 20_000, 0));

        double last = IdleYieldPolicy.Floor;
        TimeSpan needed = TimeSpan.Zero;
        while (last < 1)
        {
            double share = Feed(policy, s_sample, 20_000, 0);
            // No step of more than a fiftieth upon what is there.
            Assert.InRange(share, last, last * 1.02);
            last = share;
            needed += s_sample;
        }

        Assert.InRange(needed, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(25));
    }

    [Fact]
    public void Judge_AQueueBuildsUp_TakesBackUntilItIsGone()
    {
        var policy = new IdleYieldPolicy();
        Feed(policy, TimeSpan.FromSeconds(1), 1_000_000, 0);
        double share = 1;
        for (int i = 0; i < 100; i++) share = policy.Judge(Sample(40_000, 40_000) with { AddedLatency = TimeSpan.FromMilliseconds(40) });
        Assert.InRange(share, 0.25, 0.5);
        double held = policy.Judge(Sample(40_000, 40_000) with { AddedLatency = TimeSpan.FromMilliseconds(3) });
        // No more is taken, and hardly anything given.
        Assert.InRange(held, share, share * 1.02);

        // All of it only when there was no queue for a quarter of a minute.
        Assert.InRange(Feed(policy, TimeSpan.FromSeconds(14), 1_000_000, 0), 0.9, 0.95);
        Assert.Equal(1, Feed(policy, TimeSpan.FromSeconds(5), 1_000_000, 0));
    }

    [Fact]
    public void Judge_LineCannotBeSeen_HoldsNothingBack()
    {
        var policy = new IdleYieldPolicy();
        for (int i = 0; i < 100; i++) Assert.Equal(1, policy.Judge(Sample(40_000, 40_000) with { AllSent = null, AllReceived = null }));
    }

    [Fact]
    public void Judge_AfterARest_CountsNothingOfIt()
    {
        var policy = new IdleYieldPolicy();
        Assert.Equal(1, policy.Judge(Sample(0, 1_000_000_000) with { Elapsed = TimeSpan.Zero }));
        Assert.Equal(1, Feed(policy, TimeSpan.FromSeconds(1), 1_000_000, 0));
    }

    [Fact]
    public void Judge_AfterARest_BeginsAtAHalfWhateverWasBefore()
    {
        var policy = new IdleYieldPolicy();
        Assert.Equal(IdleYieldPolicy.Floor, Feed(policy, TimeSpan.FromSeconds(1), 1_000_000, 5_000_000));

        Assert.Equal(0.5, policy.Judge(Sample(0, 0) with { Elapsed = TimeSpan.Zero }));

        // And grows at once: how long the owner was quiet before is not what counts.
        Assert.InRange(Feed(policy, TimeSpan.FromSeconds(1), 1_000_000, 0), 0.51, 0.56);
        Assert.Equal(IdleYieldPolicy.Floor, Feed(policy, TimeSpan.FromMilliseconds(240), 1_000_000, 5_000_000));
    }

    // Rates in bytes a second; the owner's go down the line, the node's both ways.
    private static double Feed(IdleYieldPolicy policy, TimeSpan time, double own, double owner)
    {
        double share = 1;
        for (TimeSpan t = TimeSpan.Zero; t < time; t += s_sample)
        {
            long mine = (long)(own * s_sample.TotalSeconds);
            share = policy.Judge(Sample(mine, mine + (long)(owner * s_sample.TotalSeconds)));
        }

        return share;
    }

    private static YieldSample Sample(long own, long all) => new()
    {
        Elapsed = s_sample,
        OwnSent = new((ulong)own),
        OwnReceived = new((ulong)own),
        AllSent = new((ulong)own),
        AllReceived = new((ulong)all),
    };
}
