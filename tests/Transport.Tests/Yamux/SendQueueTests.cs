using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Transport.Tests.Yamux;

/// <summary>What a writer's bytes take of memory where the connection may hold no more.</summary>
public sealed class SendQueueTests
{
    private const int Room = 64 << 10;

    [Fact]
    public void Write_MemoryUsedUp_TakesOneSmallBlockBeyondIt()
    {
        var budget = new FixedBudget(Room);
        BufferPool pool = new();
        var queue = new SendQueue(pool, new ConnectionMemory(0, budget));

        int taken = queue.Write(new byte[200_000], 256 << 10);

        Assert.Equal(Room + 1024, taken);
        Assert.Equal(taken, queue.UnsentSize);
        Assert.True(queue.IsStarved);
        Assert.Equal(Room, budget.Used);
        // Each further write, whoever makes it, waits until that is sent; and once it is, there is room again.
        queue.Claim(taken);
        queue.Sent(taken);
        Assert.Equal(Room + 1024, pool.KeptSize);
        Assert.Equal(Room, queue.Write(new byte[Room], 256 << 10));
        Assert.False(queue.IsStarved);
    }

    [Fact]
    public void Write_Whole_TakesAllThoughMemoryIsUsedUp()
    {
        var queue = new SendQueue(new BufferPool(), new ConnectionMemory(0, new FixedBudget(0)));

        Assert.Equal(200_000, queue.Write(new byte[200_000], int.MaxValue, whole: true));
        Assert.Equal(200_000, queue.UnsentSize);
    }

    [Theory]
    [InlineData(0, 1024)]
    [InlineData(1, 1024)]
    [InlineData(3000, 4096)]
    public void GetMemory_MemoryUsedUp_GivesNoMoreThanIsNeeded(int sizeHint, int given)
    {
        var queue = new SendQueue(new BufferPool(), new ConnectionMemory(0, new FixedBudget(0)));
        // What small messages need is free; here it is taken.
        queue.Write(new byte[8 << 10], int.MaxValue, whole: true);

        Assert.Equal(given, queue.GetMemory(sizeHint).Length);
        Assert.True(queue.IsStarved);
    }

    private sealed class FixedBudget(int limit) : IMemoryBudget
    {
        internal int Used { get; private set; }

        public bool TryReserve(int size, bool isPromise = false)
        {
            if (Used + size > limit) return false;
            Used += size;
            return true;
        }

        public void Release(int size) => Used -= size;
    }
}
