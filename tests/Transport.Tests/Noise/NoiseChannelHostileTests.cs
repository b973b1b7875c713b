using Overlay.Transport.Connections;
using Overlay.Transport.Noise;

namespace Overlay.Transport.Tests.Noise;

/// <summary>What a channel does with bytes that no honest peer sends. The bytes are scripted, so nothing here waits.</summary>
public sealed class NoiseChannelHostileTests
{
    private static readonly byte[][] s_three = [[1, 2, 3], [4, 5], [6, 7, 8, 9]];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Receive_EveryByteFlipped_FailsAndStaysFailed()
    {
        int size = 3 * 18 + 9;
        for (int i = 0; i < size; i++)
        {
            (byte[][] frames, NoiseHandshakeResult reader) = Seal(s_three);
            byte[] wire = [.. frames.SelectMany(f => f)];
            Assert.Equal(size, wire.Length);
            wire[i] ^= 1;
            var pool = new CountingPool();
            var connection = new ScriptedConnection(wire);
            await using (var channel = new NoiseChannel(connection, default, reader, new NoiseOptions(), pool))
            {
                ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(() => DrainAsync(channel));
                // A forged length may ask for more than will ever come, or cut a message short.
                Assert.Contains(error.Reason, new[] { ConnectionError.AuthenticationFailed, ConnectionError.EndOfStream });
                Assert.Equal(Fault.Peer, error.Fault);
                Assert.True(connection.IsAborted);
                ConnectionException again = await Assert.ThrowsAsync<ConnectionException>(() => channel.ReceiveAsync(Token).AsTask());
                Assert.Equal(error.Reason, again.Reason);
            }

            Assert.Equal(0, pool.OutstandingCount);
        }
    }

    [Fact]
    public async Task Receive_BodyByteFlipped_IsAnAuthenticationFailure()
    {
        for (int i = 2; i < 21; i++)
        {
            (byte[][] frames, NoiseHandshakeResult reader) = Seal(s_three);
            frames[0][i] ^= 0x80;
            Assert.Equal(ConnectionError.AuthenticationFailed, await ErrorOfAsync(reader, frames[0]));
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1)]
    [InlineData(0, 2)]
    [InlineData(0, 1, 1)]
    [InlineData(0, 1, 2, 0)]
    public async Task Receive_MessagesReplayedReorderedOrDropped_IsAnAuthenticationFailure(params int[] order)
    {
        (byte[][] frames, NoiseHandshakeResult reader) = Seal(s_three);
        Assert.Equal(ConnectionError.AuthenticationFailed, await ErrorOfAsync(reader, [.. order.SelectMany(i => frames[i])]));
    }

    [Fact]
    public async Task Receive_OwnMessageReflected_IsAnAuthenticationFailure()
    {
        using var pair = new NoisePair();
        pair.Run();
        pair.Responder.Result.Dispose();
        byte[] message = [1, .. new byte[16]];
        pair.Initiator.Result.Send.EncryptWithAd(default, message);
        Assert.Equal(ConnectionError.AuthenticationFailed, await ErrorOfAsync(pair.Initiator.Result, [0, 17, .. message]));
    }

    [Fact]
    public async Task Receive_EndAtEveryByte_IsCleanOnlyBetweenMessages()
    {
        int size = 3 * 18 + 9;
        for (int cut = 0; cut <= size; cut++)
        {
            (byte[][] frames, NoiseHandshakeResult reader) = Seal(s_three);
            byte[] wire = [.. frames.SelectMany(f => f)];
            bool clean = cut is 0 or 21 or 41 or 63;
            var pool = new CountingPool();
            await using (var channel = new NoiseChannel(new ScriptedConnection(wire[..cut], chunkSize: 7), default, reader, new NoiseOptions(), pool))
            {
                if (clean)
                {
                    await DrainAsync(channel);
                    Assert.True((await channel.ReceiveAsync(Token)).IsEnd);
                }
                else
                {
                    ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(() => DrainAsync(channel));
                    Assert.Equal(ConnectionError.EndOfStream, error.Reason);
                }

                Assert.Equal(0, pool.OutstandingCount);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    public async Task Receive_ShorterThanATag_IsAnAuthenticationFailure(int size)
    {
        (_, NoiseHandshakeResult reader) = Seal([]);
        Assert.Equal(ConnectionError.AuthenticationFailed, await ErrorOfAsync(reader, [0, (byte)size, .. new byte[size]]));
    }

    [Fact]
    public async Task Receive_EmptyMessages_AreSkippedUpToTheLimit()
    {
        var options = new NoiseOptions { MaxEmptyMessageCount = 3 };
        (byte[][] frames, NoiseHandshakeResult reader) = Seal([[], [], [], [1], [], [], [], [2]]);
        await using var channel = new NoiseChannel(new ScriptedConnection([.. frames.SelectMany(f => f)]), default, reader, options);
        Assert.Equal([1, 2], await DrainAsync(channel));

        (frames, reader) = Seal([[1], [], [], [], []]);
        Assert.Equal(ConnectionError.LimitExceeded, await ErrorOfAsync(reader, [.. frames.SelectMany(f => f)], options));
    }

    [Fact]
    public async Task Receive_LargestLengthAnnounced_RentsNoMoreThanArrived()
    {
        (_, NoiseHandshakeResult reader) = Seal([]);
        var pool = new CountingPool();
        (PipeConnection near, PipeConnection far) = PipeConnection.CreatePair();
        await using var channel = new NoiseChannel(near, default, reader, new NoiseOptions(), pool);
        await far.SendAsync(new byte[] { 0xFF, 0xFF, 1, 2, 3 }, Token);
        Task<ReceivedSegment> receiving = channel.ReceiveAsync(Token).AsTask();

        Assert.InRange(pool.OutstandingSize, 1, 4096);
        far.Abort();
        await Assert.ThrowsAsync<ConnectionException>(() => receiving);
        Assert.Equal(0, pool.OutstandingCount);
    }

    [Fact]
    public async Task Receive_TinyMessagesKeptUnread_ShareBuffers()
    {
        byte[][] payloads = [.. Enumerable.Range(0, 2000).Select(i => new[] { (byte)i })];
        (byte[][] frames, NoiseHandshakeResult reader) = Seal(payloads);
        var pool = new CountingPool();
        // Each message arrives alone, and nobody lets go of any.
        await using var channel = new NoiseChannel(new ScriptedConnection([.. frames.SelectMany(f => f)], chunkSize: 19), default, reader, new NoiseOptions(), pool);
        var kept = new List<ReceivedSegment>();
        for (ReceivedSegment segment = await channel.ReceiveAsync(Token); !segment.IsEnd; segment = await channel.ReceiveAsync(Token)) kept.Add(segment);

        Assert.Equal(payloads.Select(p => p[0]), kept.Select(s => s.Span[0]));
        Assert.InRange(pool.OutstandingSize, 1, 4 * frames.Length * 19);
        foreach (ReceivedSegment segment in kept) segment.Buffer!.Release();
        Assert.Equal(0, pool.OutstandingCount);
    }

    [Fact]
    public async Task Receive_NoncesUsedUp_IsALimitOfOurs()
    {
        (byte[][] frames, NoiseHandshakeResult reader) = Seal(s_three);
        reader.Receive.SetNonce(ulong.MaxValue);
        Assert.Equal(ConnectionError.LimitExceeded, await ErrorOfAsync(reader, frames[0]));
    }

    /// <summary>Frames that the other side of a fresh handshake sealed, and the reader's half of that handshake.</summary>
    internal static (byte[][] Frames, NoiseHandshakeResult Reader) Seal(byte[][] payloads)
    {
        using var pair = new NoisePair();
        pair.Run();
        using NoiseHandshakeResult writer = pair.Initiator.Result;
        byte[][] frames = [.. payloads.Select(payload =>
        {
            int size = payload.Length + 16;
            byte[] frame = [(byte)(size >> 8), (byte)size, .. payload, .. new byte[16]];
            writer.Send.EncryptWithAd(default, frame.AsSpan(2));
            return frame;
        })];
        return (frames, pair.Responder.Result);
    }

    internal static async Task<byte[]> DrainAsync(NoiseChannel channel)
    {
        var all = new List<byte>();
        while (true)
        {
            ReceivedSegment segment = await channel.ReceiveAsync(Token);
            if (segment.IsEnd) return [.. all];
            all.AddRange(segment.Span);
            segment.Buffer!.Release();
        }
    }

    private static async Task<ConnectionError> ErrorOfAsync(NoiseHandshakeResult reader, byte[] wire, NoiseOptions? options = null)
    {
        await using var channel = new NoiseChannel(new ScriptedConnection(wire), default, reader, options ?? new NoiseOptions());
        return (await Assert.ThrowsAsync<ConnectionException>(() => DrainAsync(channel))).Reason;
    }
}
