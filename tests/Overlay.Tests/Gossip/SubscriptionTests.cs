using Overlay.Gossip;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Gossip;

/// <summary>What waits for a reader that does not read.</summary>
public sealed class SubscriptionTests
{
    private static readonly PeerId s_peer = PeerId.TryFromBytes([0x12, 32, .. new byte[32]], out PeerId? peer) ? peer : throw new InvalidOperationException();

    [Theory]
    [InlineData(10, 1000, 10)] // more than their number may be
    [InlineData(100, 30_000, 2)] // more than their bytes may be
    [InlineData(100, 200_000, 1)] // longer than all may be, and yet the newest is there
    public async Task Add_MoreThanMayWait_DropsTheOldestAndCountsThem(int maxCount, int size, int kept)
    {
        var limits = new GossipLimits { MaxSubscriptionQueue = maxCount, MaxSubscriptionQueueSize = 65536 };
        await using var subscription = new GossipSubscription("news", limits, _ => { });

        for (int i = 0; i < 50; i++) subscription.Add(Message((byte)i, size));
        subscription.Complete();

        Assert.Equal(50 - kept, subscription.DroppedCount);
        Assert.Equal(Enumerable.Range(50 - kept, kept), await ReadAsync(subscription));
    }

    [Fact]
    public async Task Add_AsFastAsIsRead_DropsNothing()
    {
        await using var subscription = new GossipSubscription("news", new GossipLimits { MaxSubscriptionQueueSize = 65536 }, _ => { });
        await using IAsyncEnumerator<GossipMessage> reader = subscription.GetAsyncEnumerator(TestContext.Current.CancellationToken);

        for (int i = 0; i < 50; i++)
        {
            subscription.Add(Message((byte)i, 60_000));
            Assert.True(await reader.MoveNextAsync());
            Assert.Equal(i, reader.Current.Data.Span[0]);
        }

        Assert.Equal(0, subscription.DroppedCount);
    }

    private static GossipMessage Message(byte number, int size)
    {
        byte[] data = new byte[size];
        data[0] = number;
        return new GossipMessage("news", null, 0, data, s_peer, RouterBench.SomeId(number));
    }

    private static async Task<List<int>> ReadAsync(GossipSubscription subscription)
    {
        var read = new List<int>();
        await foreach (GossipMessage message in subscription.WithCancellation(TestContext.Current.CancellationToken)) read.Add(message.Data.Span[0]);
        return read;
    }
}
