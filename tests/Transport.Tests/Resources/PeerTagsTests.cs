using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Tests.Resources;

public class PeerTagsTests
{
    private readonly PeerId _peer = Budgets.NewPeer();

    [Fact]
    public void Weigh_SeveralTags_IsTheirSum()
    {
        var tags = new PeerTags(new TrimOptions());
        Assert.True(tags.TryTag(_peer, "a", 5) && tags.TryTag(_peer, "b", -2) && tags.TryTag(_peer, "a", 7));

        Assert.Equal((5, false), tags.Weigh(_peer));
        tags.Untag(_peer, "a");
        Assert.Equal((-2, false), tags.Weigh(_peer));
        Assert.Equal((0, false), tags.Weigh(Budgets.NewPeer()));
    }

    [Fact]
    public void Weigh_HugeTags_DoNotWrapRound()
    {
        var tags = new PeerTags(new TrimOptions());
        foreach (string tag in (string[])["a", "b", "c"]) tags.TryTag(_peer, tag, int.MaxValue);

        Assert.Equal(int.MaxValue, tags.Weigh(_peer).Value);
    }

    [Fact]
    public void Unprotect_OneOfTwo_LeavesThePeerProtected()
    {
        var tags = new PeerTags(new TrimOptions());
        Assert.True(tags.TryProtect(_peer, "a") && tags.TryProtect(_peer, "b") && tags.TryProtect(_peer, "b"));

        Assert.True(tags.Unprotect(_peer, "a"));
        Assert.True(tags.Weigh(_peer).IsProtected);
        Assert.False(tags.Unprotect(_peer, "b"));
        Assert.False(tags.Weigh(_peer).IsProtected);
        Assert.False(tags.Unprotect(_peer, "b"));
        Assert.Equal(0, tags.Count);
    }

    [Fact]
    public void Tag_OverTheLimits_IsRefusedAndNothingIsForgotten()
    {
        var tags = new PeerTags(new TrimOptions { MaxTagsPerPeer = 2, MaxTaggedPeerCount = 2 });
        Assert.True(tags.TryTag(_peer, "a", 1) && tags.TryTag(_peer, "b", 2));
        Assert.True(tags.TryProtect(_peer, "a") && tags.TryProtect(_peer, "b"));

        Assert.False(tags.TryTag(_peer, "c", 3));
        Assert.False(tags.TryProtect(_peer, "c"));
        Assert.True(tags.TryTag(_peer, "a", 4));
        PeerId second = Budgets.NewPeer();
        Assert.True(tags.TryTag(second, "a", 1));
        Assert.False(tags.TryTag(Budgets.NewPeer(), "a", 1));
        Assert.False(tags.TryProtect(Budgets.NewPeer(), "a"));

        Assert.Equal((6, true), tags.Weigh(_peer));
        tags.Untag(second, "a");
        Assert.True(tags.TryTag(Budgets.NewPeer(), "a", 1));
    }
}
