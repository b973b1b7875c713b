using CsCheck;
using Overlay.Transport.Connections;
using Overlay.Transport.Noise;

namespace Overlay.Transport.Tests.Noise;

public sealed class NoiseChannelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Channel_RandomWritesBothWays_ArriveEqual()
    {
        Gen<int[]> sizes = Gen.OneOf(Gen.Int[1, 100], Gen.Int[1, 65518]).Array[1, 30];
        await Gen.Select(sizes, sizes, Gen.Int[0, 3]).SampleAsync(
            async (there, back, flushEvery) =>
            {
                var pool = new CountingPool();
                (NoiseChannel a, NoiseChannel b) = Connect(pool);
                await using (a)
                await using (b)
                {
                    Task<byte[]> atB = NoiseChannelHostileTests.DrainAsync(b), atA = NoiseChannelHostileTests.DrainAsync(a);
                    Task<byte[]> fromA = WriteAsync(a, there, flushEvery), fromB = WriteAsync(b, back, flushEvery);
                    // In the order of completion: a task that failed shall not leave the test waiting for another.
                    await foreach (Task<byte[]> done in Task.WhenEach(fromA, fromB, atA, atB)) await done;
                    byte[] sentByA = await fromA, sentByB = await fromB, gotByA = await atA, gotByB = await atB;
                    Assert.True(sentByA.SequenceEqual(gotByB));
                    Assert.True(sentByB.SequenceEqual(gotByA));
                }

                Assert.Equal(0, pool.OutstandingCount);
            },
            iter: 25,
            threads: 1);
    }

    [Fact]
    public async Task Flush_SeveralPieces_ShareOneMessageAndOneSend()
    {
        (ScriptedConnection connection, NoiseChannel channel, CountingPool pool) = Writer();
        await using (channel)
        {
            for (byte i = 0; i < 10; i++)
            {
                channel.GetMemory(12).Span[..12].Fill(i);
                channel.Advance(12);
            }

            Assert.Equal(120, channel.UnflushedSize);
            await channel.FlushAsync(Token);
            Assert.Equal(0, channel.UnflushedSize);
        }

        Assert.Equal(2 + 120 + 16, Assert.Single(connection.Sent).Length);
        Assert.Equal(0, pool.OutstandingCount);
    }

    [Fact]
    public async Task Flush_LargestPieces_AreFramesOf64KiBInOneSend()
    {
        (ScriptedConnection connection, NoiseChannel channel, CountingPool pool) = Writer();
        await using (channel)
        {
            Assert.Equal(65518, channel.MaxWriteSize);
            for (int i = 0; i < 4; i++)
            {
                Assert.True(channel.GetMemory(channel.MaxWriteSize).Length >= channel.MaxWriteSize);
                channel.Advance(channel.MaxWriteSize);
            }

            await channel.FlushAsync(Token);
        }

        byte[] sent = Assert.Single(connection.Sent);
        Assert.Equal(256 << 10, sent.Length);
        for (int i = 0; i < 4; i++) Assert.Equal(0xFFFE, (sent[i << 16] << 8) | sent[(i << 16) + 1]);
        Assert.Equal(0, pool.OutstandingCount);
    }

    [Fact]
    public void GetMemory_AnySizesWithinTheBound_AlwaysSucceeds() =>
        Gen.Int[0, 65518].Array[1, 40].Sample(
            hints =>
            {
                (ScriptedConnection connection, NoiseChannel channel, _) = Writer();
                int bound = new NoiseOptions().MaxUnflushedSize;
                foreach (int hint in hints)
                {
                    if (channel.UnflushedSize + Math.Max(hint, 1) > bound)
                    {
                        Assert.Throws<InvalidOperationException>(() => channel.GetMemory(hint));
                        Assert.True(channel.FlushAsync(Token).AsTask().IsCompletedSuccessfully);
                    }

                    Assert.True(channel.GetMemory(hint).Length >= Math.Max(hint, 1));
                    channel.Advance(hint);
                }

                Assert.True(channel.FlushAsync(Token).AsTask().IsCompletedSuccessfully);
                Assert.Equal(hints.Sum(), connection.Sent.Sum(PlaintextSize));
            },
            iter: 50);

    [Fact]
    public async Task GetMemory_MisusedByTheCaller_Throws()
    {
        (_, NoiseChannel channel, _) = Writer();
        Assert.Throws<ArgumentOutOfRangeException>(() => channel.GetMemory(channel.MaxWriteSize + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => channel.GetMemory(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => channel.Advance(1));
        int room = channel.GetMemory(1).Length;
        Assert.Throws<ArgumentOutOfRangeException>(() => channel.Advance(room + 1));
        await channel.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => channel.GetMemory(1));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => channel.FlushAsync(Token).AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => channel.ReceiveAsync(Token).AsTask());
    }

    [Fact]
    public async Task Flush_NothingWritten_SendsNothingAndHoldsNothing()
    {
        (ScriptedConnection connection, NoiseChannel channel, CountingPool pool) = Writer();
        await using (channel)
        {
            await channel.FlushAsync(Token);
            channel.GetMemory(5);
            channel.Advance(0);
            await channel.FlushAsync(Token);
            Assert.Empty(connection.Sent);
            Assert.Equal(0, pool.OutstandingCount);
        }
    }

    [Fact]
    public async Task Flush_NoncesUsedUp_IsALimitOfOursAndBreaksTheChannel()
    {
        using var pair = new NoisePair();
        pair.Run();
        pair.Initiator.Result.Send.SetNonce(ulong.MaxValue);
        var connection = new ScriptedConnection([]);
        var pool = new CountingPool();
        await using var channel = new NoiseChannel(connection, default, pair.Initiator.Result, new NoiseOptions(), pool);
        for (int i = 0; i < 2; i++)
        {
            channel.GetMemory(1);
            channel.Advance(1);
            ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(() => channel.FlushAsync(Token).AsTask());
            Assert.Equal((ConnectionError.LimitExceeded, Fault.Local), (error.Reason, error.Fault));
        }

        Assert.True(connection.IsAborted);
        Assert.Empty(connection.Sent);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Flush_CancelledOrFailed_BreaksTheChannelForGood(bool cancelled)
    {
        (ScriptedConnection connection, NoiseChannel channel, CountingPool pool) = Writer();
        await using (channel)
        {
            channel.GetMemory(1);
            channel.Advance(1);
            if (cancelled)
            {
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => channel.FlushAsync(new CancellationToken(true)).AsTask());
            }
            else
            {
                connection.SendFailure = new ConnectionException(ConnectionError.ConnectionLost, ConnectionStep.Connection, Fault.Network, "reset");
                await Assert.ThrowsAsync<ConnectionException>(() => channel.FlushAsync(Token).AsTask());
                connection.SendFailure = null;
            }

            Assert.True(connection.IsAborted);
            Assert.Equal(0, pool.OutstandingCount);
            channel.GetMemory(1);
            channel.Advance(1);
            await Assert.ThrowsAsync<ConnectionException>(() => channel.FlushAsync(Token).AsTask());
            Assert.Empty(connection.Sent);
        }
    }

    [Fact]
    public async Task Receive_LargestForeignMessagesInAnyChunks_ArriveEqual()
    {
        foreach (int chunk in new[] { 1500, 65535, 65537, 1 << 20 })
        {
            byte[][] payloads = [.. Enumerable.Range(0, 8).Select(i => Pattern(65519 - i % 3, i))];
            (byte[][] frames, NoiseHandshakeResult reader) = NoiseChannelHostileTests.Seal(payloads);
            var pool = new CountingPool();
            await using var channel = new NoiseChannel(
                new ScriptedConnection([.. frames.SelectMany(f => f)], chunk), default, reader, new NoiseOptions(), pool);
            byte[] received = await NoiseChannelHostileTests.DrainAsync(channel);
            Assert.True(received.AsSpan().SequenceEqual(payloads.SelectMany(p => p).ToArray()));
            Assert.Equal(0, pool.OutstandingCount);
        }
    }

    [Fact]
    public async Task Receive_BytesLeftOverFromTheHandshake_ComeFirst()
    {
        byte[][] payloads = [Pattern(10, 1), Pattern(5000, 2), Pattern(65519, 3), Pattern(7, 4)];
        int total = payloads.Sum(p => p.Length + 18);
        foreach (int split in new[] { 0, 1, 2, 28, 29, 5000, 70000, total })
        {
            (byte[][] frames, NoiseHandshakeResult reader) = NoiseChannelHostileTests.Seal(payloads);
            byte[] wire = [.. frames.SelectMany(f => f)];
            var pool = new CountingPool();
            await using var channel = new NoiseChannel(new ScriptedConnection(wire[split..]), wire.AsSpan(0, split), reader, new NoiseOptions(), pool);
            byte[] received = await NoiseChannelHostileTests.DrainAsync(channel);
            Assert.True(received.AsSpan().SequenceEqual(payloads.SelectMany(p => p).ToArray()));
            Assert.Equal(0, pool.OutstandingCount);
        }
    }

    [Fact]
    public async Task Receive_SlicesKept_StayAsTheyWere()
    {
        byte[][] payloads = [.. Enumerable.Range(0, 60).Select(i => Pattern(1 + i * 911, i))];
        (byte[][] frames, NoiseHandshakeResult reader) = NoiseChannelHostileTests.Seal(payloads);
        var pool = new CountingPool();
        await using var channel = new NoiseChannel(new ScriptedConnection([.. frames.SelectMany(f => f)], 10_000), default, reader, new NoiseOptions(), pool);
        var kept = new List<ReceivedSegment>();
        for (ReceivedSegment segment = await channel.ReceiveAsync(Token); !segment.IsEnd; segment = await channel.ReceiveAsync(Token)) kept.Add(segment);

        Assert.Equal(payloads.Length, kept.Count);
        for (int i = 0; i < kept.Count; i++)
        {
            Assert.Equal(payloads[i], kept[i].Span.ToArray());
            kept[i].Buffer!.Release();
        }

        Assert.Equal(0, pool.OutstandingCount);
    }

    [Fact]
    public async Task Receive_WhileIdle_HoldsNoBuffer()
    {
        var pool = new CountingPool();
        (NoiseChannel a, NoiseChannel b) = Connect(pool);
        await using (a)
        await using (b)
        {
            await WriteAsync(a, [100], 1, complete: false);
            (await b.ReceiveAsync(Token)).Buffer!.Release();

            Task<ReceivedSegment> waiting = b.ReceiveAsync(Token).AsTask();
            Assert.False(waiting.IsCompleted);
            Assert.Equal(0, pool.OutstandingCount);

            await WriteAsync(a, [100], 1, complete: false);
            (await waiting).Buffer!.Release();
        }
    }

    [Fact]
    public async Task Receive_Cancelled_LosesNothing()
    {
        (NoiseChannel a, NoiseChannel b) = Connect(new CountingPool());
        await using (a)
        await using (b)
        {
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
            Task<ReceivedSegment> waiting = b.ReceiveAsync(cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

            byte[] sent = await WriteAsync(a, [3000, 20], 1);
            Assert.Equal(sent, await NoiseChannelHostileTests.DrainAsync(b));
        }
    }

    [Fact]
    public async Task Receive_SecondReader_IsTheCallersMistake()
    {
        (NoiseChannel a, NoiseChannel b) = Connect(new CountingPool());
        await using (a)
        await using (b)
        {
            Task<ReceivedSegment> waiting = b.ReceiveAsync(Token).AsTask();
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await b.ReceiveAsync(Token));
            b.Abort();
            await Assert.ThrowsAsync<ConnectionException>(() => waiting);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AbortOrDispose_ReaderAndWriterBlocked_FailsBothAndLeaksNothing(bool abort)
    {
        var pool = new CountingPool();
        (NoiseChannel a, NoiseChannel b) = Connect(pool);
        await using (a)
        await using (b)
        {
            Task<byte[]> writing = WriteAsync(a, [.. Enumerable.Repeat(65518, 20)], 1);
            Task<ReceivedSegment> reading = a.ReceiveAsync(Token).AsTask();
            Assert.False(writing.IsCompleted || reading.IsCompleted);

            if (abort) a.Abort();
            else await a.DisposeAsync();

            await Assert.ThrowsAsync<ConnectionException>(() => writing);
            await Assert.ThrowsAsync<ConnectionException>(() => reading);
            await Assert.ThrowsAsync<ConnectionException>(() => NoiseChannelHostileTests.DrainAsync(b));
        }

        Assert.Equal(0, pool.OutstandingCount);
    }

    [Fact]
    public async Task Receive_ManySmallMessages_AllocatesNothingPerMessage()
    {
        const int Count = 20_000;
        (byte[][] frames, NoiseHandshakeResult reader) = NoiseChannelHostileTests.Seal([.. Enumerable.Repeat(new byte[100], Count)]);
        await using var channel = new NoiseChannel(new ScriptedConnection([.. frames.SelectMany(f => f)]), default, reader, new NoiseOptions());
        long before = 0;
        for (int i = 0; i < Count; i++)
        {
            if (i == 1000) before = GC.GetAllocatedBytesForCurrentThread();
            // The script completes at once, so this never leaves the thread.
            (await channel.ReceiveAsync(Token)).Buffer!.Release();
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Count);
    }

    [Fact]
    public async Task Channel_AfterHandshake_NamesThePeer()
    {
        using var pair = new NoisePair();
        pair.Run();
        await using var channel = new NoiseChannel(new ScriptedConnection([]), default, pair.Initiator.Result, new NoiseOptions());
        Assert.Equal(pair.ResponderPeer, channel.RemotePeer);
        Assert.Equal(pair.ResponderPeer, channel.RemotePublicKey.ToPeerId());
        Assert.Equal(NoisePair.Yamux, channel.NegotiatedMuxer);
        Assert.Equal(32, channel.HandshakeHash.Length);
        pair.Responder.Result.Dispose();
    }

    private static (NoiseChannel, NoiseChannel) Connect(CountingPool pool)
    {
        using var pair = new NoisePair();
        pair.Run();
        (PipeConnection a, PipeConnection b) = PipeConnection.CreatePair();
        return (
            new NoiseChannel(a, default, pair.Initiator.Result, new NoiseOptions(), pool),
            new NoiseChannel(b, default, pair.Responder.Result, new NoiseOptions(), pool));
    }

    private static (ScriptedConnection Connection, NoiseChannel Channel, CountingPool Pool) Writer()
    {
        using var pair = new NoisePair();
        pair.Run();
        pair.Responder.Result.Dispose();
        var connection = new ScriptedConnection([]);
        var pool = new CountingPool();
        return (connection, new NoiseChannel(connection, default, pair.Initiator.Result, new NoiseOptions(), pool), pool);
    }

    /// <summary>Writes pieces of the given sizes, flushing every so many and at the latest at the bound, and returns what was written.</summary>
    private static async Task<byte[]> WriteAsync(NoiseChannel channel, int[] sizes, int flushEvery, bool complete = true)
    {
        int bound = new NoiseOptions().MaxUnflushedSize;
        var all = new List<byte>();
        for (int i = 0; i < sizes.Length; i++)
        {
            if (channel.UnflushedSize + sizes[i] > bound) await channel.FlushAsync(Token);
            byte[] piece = Pattern(sizes[i], i);
            piece.CopyTo(channel.GetMemory(sizes[i]));
            channel.Advance(sizes[i]);
            all.AddRange(piece);
            if (flushEvery > 0 && i % flushEvery == 0) await channel.FlushAsync(Token);
        }

        if (complete) await channel.CompleteAsync();
        else await channel.FlushAsync(Token);
        return [.. all];
    }

    private static byte[] Pattern(int size, int seed)
    {
        byte[] bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static int PlaintextSize(byte[] frames)
    {
        int total = 0;
        for (int at = 0, size; at < frames.Length; at += 2 + size)
        {
            size = (frames[at] << 8) | frames[at + 1];
            total += size - 16;
        }

        return total;
    }
}
