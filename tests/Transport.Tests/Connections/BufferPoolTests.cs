using Overlay.Transport.Connections;

namespace Overlay.Transport.Tests.Connections;

public sealed class BufferPoolTests
{
    [Theory]
    [InlineData(0, 512)]
    [InlineData(1, 512)]
    [InlineData(512, 512)]
    [InlineData(513, 1024)]
    [InlineData(65_536, 65_536)]
    [InlineData(65_537, 131_072)]
    [InlineData(4 << 20, 4 << 20)]
    [InlineData((4 << 20) + 1, (4 << 20) + 1)]
    public void Rent_AnySize_GivesTheNextPowerOfTwoUpToFourMebibytes(int asked, int given) => Assert.Equal(given, new BufferPool().Rent(asked).Length);

    [Fact]
    public void Return_RentedAgain_GivesTheSameArray()
    {
        BufferPool pool = new();
        byte[] array = pool.Rent(1000);
        pool.Return(array);
        Assert.Equal(1024, pool.KeptSize);
        Assert.Same(array, pool.Rent(600));
        Assert.Equal(0, pool.KeptSize);
    }

    [Fact]
    public void Return_MoreThanIsKept_OrOfAnotherSize_IsLeftToTheCollector()
    {
        BufferPool pool = new(maxKeptSize: 8 * 1024);
        for (int i = 0; i < 20; i++) pool.Return(new byte[1024]);
        pool.Return(new byte[1000]);
        pool.Return([]);
        pool.Return(new byte[8 << 20]);
        Assert.Equal(8 * 1024, pool.KeptSize);
    }

    [Fact]
    public void Return_OfSeveralSizes_KeepsNoMoreInAll()
    {
        BufferPool pool = new(maxKeptSize: 8 * 1024);
        foreach (int size in new[] { 4096, 2048, 1024, 4096, 512, 512, 512 }) pool.Return(new byte[size]);
        Assert.Equal(8 * 1024, pool.KeptSize);

        // The one of 4,096 is there, the second was not kept; what it leaves room for is.
        byte[] taken = pool.Rent(4096);
        pool.Return(new byte[2048]);
        Assert.Equal(6 * 1024, pool.KeptSize);
        pool.Return(taken);
        Assert.Equal(6 * 1024, pool.KeptSize);
    }

    [Fact]
    public async Task RentAndReturn_OnManyThreads_CountsWhatIsKept()
    {
        BufferPool pool = new(maxKeptSize: 64 * 1024);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            for (int i = 0; i < 20_000; i++)
            {
                byte[][] rented = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => pool.Rent(random.Next(16 * 1024)))];
                foreach (byte[] array in rented) pool.Return(array);
                if (i % 1000 == 0) pool.Trim();
            }
        })));

        Assert.InRange(pool.KeptSize, 1, 64 * 1024);
        for (int i = 0; i < 20; i++) pool.Trim();
        Assert.Equal(0, pool.KeptSize);
    }

    [Fact]
    public void Trim_WhatNobodyNeeded_GoesInAFewRounds_AndWhatWasNeededStays()
    {
        BufferPool pool = new();
        byte[][] rented = [.. Enumerable.Range(0, 16).Select(_ => pool.Rent(1024))];
        foreach (byte[] array in rented) pool.Return(array);
        pool.Trim();
        Assert.Equal(16 * 1024, pool.KeptSize);

        // Eight of them are in use at some time between two trims: the other eight were idle, and half of those go.
        rented = [.. Enumerable.Range(0, 8).Select(_ => pool.Rent(1024))];
        foreach (byte[] array in rented) pool.Return(array);
        pool.Trim();
        Assert.Equal(12 * 1024, pool.KeptSize);

        for (int i = 0; i < 5; i++) pool.Trim();
        Assert.Equal(0, pool.KeptSize);
    }
}
