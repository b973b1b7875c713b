using CsCheck;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class BackoffTests
{
    [Fact]
    public void Failed_AgainAndAgain_DoublesUpToTheLongest()
    {
        var backoff = new Backoff(new BackoffOptions { Jitter = 0 }, new Random(1), 10);
        PeerId peer = Peers.New();

        TimeSpan[] waits = [.. Enumerable.Range(0, 12).Select(_ => backoff.Failed(peer, Peers.Start))];

        Assert.Equal([5, 10, 20, 40, 80], waits.Take(5).Select(wait => wait.TotalSeconds));
        Assert.Equal(TimeSpan.FromMinutes(30), waits[^1]);
    }

    [Fact]
    public void Failed_Persistent_WaitsNoLongerThanItsOwnLimit()
    {
        var backoff = new Backoff(new BackoffOptions { Jitter = 0 }, new Random(1), 10);
        PeerId peer = Peers.New();

        for (int i = 0; i < 20; i++) Assert.InRange(backoff.Failed(peer, Peers.Start, isPersistent: true), TimeSpan.Zero, TimeSpan.FromMinutes(2));
    }

    [Fact]
    public void Reached_AfterFailures_MayBeTriedAtOnce()
    {
        var backoff = new Backoff(new BackoffOptions(), new Random(1), 10);
        PeerId peer = Peers.New();
        TimeSpan wait = backoff.Failed(peer, Peers.Start);
        Assert.False(backoff.IsOver(peer, Peers.Start));
        Assert.True(backoff.IsOver(peer, Peers.Start + wait));

        backoff.Reached(peer);

        Assert.True(backoff.IsOver(peer, Peers.Start));
        Assert.Equal(0, backoff.Count);
    }

    [Fact]
    public void Failed_ManyPeers_RemembersNoMoreThanAllowed()
    {
        var backoff = new Backoff(new BackoffOptions(), new Random(1), 8);

        for (int i = 0; i < 50; i++) backoff.Failed(Peers.New(), Peers.Start);

        Assert.Equal(8, backoff.Count);
    }

    [Fact]
    public void Failed_AnyJitter_StaysWithinItsShare() =>
        Gen.Select(Gen.Double[0, 1], Gen.Int[1, 40], Gen.Int).Sample((jitter, failures, seed) =>
        {
            var backoff = new Backoff(new BackoffOptions { Jitter = jitter }, new Random(seed), 2);
            PeerId peer = s_peer;
            TimeSpan wait = default;
            for (int i = 0; i < failures; i++) wait = backoff.Failed(peer, Peers.Start);
            double whole = Math.Min(1800, 5 * Math.Pow(2, failures - 1));
            Assert.InRange(wait.TotalSeconds, whole * (1 - jitter) - 0.001, whole + 0.001);
        }, iter: 1000);

    private static readonly PeerId s_peer = Peers.New();
}
