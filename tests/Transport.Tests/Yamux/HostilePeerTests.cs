using CsCheck;
using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Transport.Tests.Yamux;

/// <summary>What a peer may do to a session: each time a typed end or a bounded answer, and no buffer left behind.</summary>
public sealed class HostilePeerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Data_BeyondTheWindow_EndsTheSession()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        await peer.OpenAsync(1);
        await peer.SendDataAsync(1, YamuxOptions.InitialWindow);
        await peer.SendAsync(FrameType.Data, FrameFlags.None, 1, 1);
        await peer.ExpectRefusalAsync();
    }

    [Theory]
    [InlineData(YamuxOptions.InitialWindow + 1)]
    [InlineData(uint.MaxValue)]
    public async Task Data_AnnouncedBeyondTheWindow_EndsTheSessionBeforeItArrives(uint length)
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        await peer.SendAsync(FrameType.Data, FrameFlags.Syn, 1, length);
        await peer.ExpectRefusalAsync();
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(255, 0)]
    [InlineData(0, 4)]
    [InlineData(0, 255)]
    public async Task Frame_UnknownVersionOrType_EndsTheSession(byte version, byte type)
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        await peer.SendBytesAsync(new byte[] { version, type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 });
        await peer.ExpectRefusalAsync();
    }

    [Theory]
    [InlineData(FrameType.Data, FrameFlags.Syn, 2u)]             // the session's own parity
    [InlineData(FrameType.Data, FrameFlags.Syn, 0u)]             // the session's id
    [InlineData(FrameType.WindowUpdate, FrameFlags.None, 0u)]
    [InlineData(FrameType.Data, FrameFlags.None, 1u)]            // never opened by the peer
    [InlineData(FrameType.WindowUpdate, FrameFlags.Rst, 2u)]     // never opened by the session
    [InlineData(FrameType.Data, FrameFlags.Fin, uint.MaxValue)]
    [InlineData(FrameType.Ping, FrameFlags.Syn, 1u)]             // pings and GoAway are of the session
    [InlineData(FrameType.Ping, FrameFlags.None, 0u)]
    [InlineData(FrameType.Ping, FrameFlags.Syn | FrameFlags.Ack, 0u)]
    [InlineData(FrameType.Ping, FrameFlags.Ack, 0u)]             // an answer to nothing
    [InlineData(FrameType.GoAway, FrameFlags.None, 1u)]
    internal async Task Frame_OutOfPlace_EndsTheSession(FrameType type, FrameFlags flags, uint streamId)
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        await peer.SendAsync(type, flags, streamId, 0);
        await peer.ExpectRefusalAsync();
    }

    [Theory]
    [InlineData(5u)]
    [InlineData(3u)]
    public async Task Syn_OfAnIdUsedOrPassed_EndsTheSession(uint again)
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        await peer.OpenAsync(5);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, again, 0);
        await peer.ExpectRefusalAsync();
    }

    [Fact]
    public async Task WindowUpdate_PastFourGiB_EndsTheSession()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        await peer.OpenAsync(1);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.None, 1, uint.MaxValue - YamuxOptions.InitialWindow);
        await peer.ExpectAliveAsync();
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.None, 1, 1);
        await peer.ExpectRefusalAsync();
    }

    [Fact]
    public async Task Data_BehindFin_EndsTheSession()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        await peer.OpenAsync(1);
        await peer.SendDataAsync(1, 10, FrameFlags.Fin);
        await peer.SendDataAsync(1, 1);
        await peer.ExpectRefusalAsync();
    }

    [Fact]
    public async Task Fin_Twice_IsTolerated()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.SendDataAsync(1, 10, FrameFlags.Fin);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0);
        await peer.ExpectAliveAsync();
        Assert.Equal(new byte[10], await stream.Input.ReadToEndAsync());
    }

    [Fact]
    public async Task Syn_BeyondTheStreamLimit_IsReset_AndItsDataDropped()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { MaxInboundStreams = 2 });
        await peer.OpenAsync(1);
        await peer.OpenAsync(3);
        await peer.SendDataAsync(5, 1000, FrameFlags.Syn);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Rst, 5, 0);
        await peer.SendDataAsync(5, 1000, FrameFlags.Fin);
        await peer.ExpectAliveAsync();
        Assert.Equal(2, peer.Session.StreamCount);
        Assert.Equal(2000, peer.Session.StrayBytes);
    }

    [Fact]
    public async Task Syn_BeyondTheAcceptBacklog_IsReset()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { AcceptBacklog = 1 });
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, 3, 0);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Rst, 3, 0);
        Assert.Equal(1, peer.Session.StreamCount);
        (await peer.Session.AcceptStreamAsync(Cancellation))!.ReleaseHeld();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Ack, 1, 0);
        await peer.OpenAsync(5);
    }

    [Fact]
    public async Task Syn_FloodWithoutReadingTheRefusals_EndsTheSession()
    {
        // One frame per flush and a line that holds one message: the refusals cannot leave.
        YamuxOptions options = new() { MaxInboundStreams = 0, MaxQueuedRefusals = 8, FlushThreshold = 1 };
        await using RawPeer peer = RawPeer.CreateUnread(options, capacity: 1);
        byte[] frames = new byte[16 * FrameHeader.Size];
        for (int i = 0; i < 16; i++) new FrameHeader(FrameType.WindowUpdate, FrameFlags.Syn, 2 * (uint)i + 1, 0).Write(frames.AsSpan(i * FrameHeader.Size));
        await peer.SendBytesAsync(frames);
        await peer.ExpectRefusalAsync(ConnectionError.LimitExceeded);
    }

    [Fact]
    public async Task Ping_FloodWithoutReadingTheAnswers_EndsTheSession()
    {
        await using RawPeer peer = RawPeer.CreateUnread(new YamuxOptions { MaxQueuedPongs = 8, FlushThreshold = 1 }, capacity: 1);
        byte[] frames = new byte[16 * FrameHeader.Size];
        for (int i = 0; i < 16; i++) new FrameHeader(FrameType.Ping, FrameFlags.Syn, 0, (uint)i).Write(frames.AsSpan(i * FrameHeader.Size));
        await peer.SendBytesAsync(frames);
        await peer.ExpectRefusalAsync(ConnectionError.LimitExceeded);
    }

    [Fact]
    public async Task Ping_ManyThatAreRead_AreAllAnswered()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        for (uint nonce = 0; nonce < 1000; nonce++)
        {
            await peer.SendAsync(FrameType.Ping, FrameFlags.Syn, 0, nonce);
            await peer.ExpectAsync(FrameType.Ping, FrameFlags.Ack, 0, nonce);
        }
    }

    [Theory]
    [InlineData(FrameType.Ping, FrameFlags.Syn, 0u, 1u)]
    [InlineData(FrameType.WindowUpdate, FrameFlags.None, 1u, 0u)]
    [InlineData(FrameType.WindowUpdate, FrameFlags.None, 1u, 1u)]   // credit for nothing that was sent
    [InlineData(FrameType.Data, FrameFlags.None, 1u, 0u)]
    [InlineData(FrameType.WindowUpdate, FrameFlags.Ack, 1u, 0u)]
    [InlineData(FrameType.GoAway, FrameFlags.None, 0u, 0u)]
    internal async Task Frames_ThatBringNothing_BeyondTheRateEndTheSession(FrameType type, FrameFlags flags, uint streamId, uint length)
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { IdleFrameBurst = 20, IdleFramesPerSecond = 10 });
        await peer.OpenAsync(1);
        for (int i = 0; i < 15; i++) await peer.SendAsync(type, flags, streamId, length);
        await peer.ExpectAliveAsync();
        peer.Time.Advance(TimeSpan.FromSeconds(1));
        for (int i = 0; i < 10; i++) await peer.SendAsync(type, flags, streamId, length);
        await peer.ExpectAliveAsync();
        for (int i = 0; i < 10; i++) await peer.TrySendBytesAsync(Encode(type, flags, streamId, length));
        await peer.ExpectRefusalAsync(ConnectionError.LimitExceeded);
    }

    [Fact]
    public async Task Data_ForAStreamThatIsOver_BeyondTheRateEndsTheSession()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { IdleFrameBurst = 20, IdleFramesPerSecond = 0 });
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn | FrameFlags.Rst, 1, 0);
        await peer.SendDataAsync(1, 10);
        await peer.ExpectAliveAsync();
        await peer.SendAsync(FrameType.Data, FrameFlags.None, 1, uint.MaxValue);
        await peer.ExpectRefusalAsync(ConnectionError.LimitExceeded);
    }

    [Fact]
    public async Task Reset_OfOwnStreamsAgainAndAgain_EndsTheSession()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { ResetBurst = 10 });
        uint id = 1;
        for (; id <= 2 * 10; id += 2) await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn | FrameFlags.Rst, id, 0);
        await peer.ExpectAliveAsync();
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, id, 0);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Rst, id, 0);
        await peer.ExpectRefusalAsync(ConnectionError.LimitExceeded);
    }

    [Fact]
    public async Task Reset_WithinTheRate_IsForgivenWithTime()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { ResetBurst = 10, ResetsPerSecond = 10 });
        uint id = 1;
        for (int second = 0; second < 5; second++)
        {
            for (int i = 0; i < 10; i++, id += 2) await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn | FrameFlags.Rst, id, 0);
            await peer.ExpectAliveAsync();
            peer.Time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task Data_EmptyFrames_AreToleratedAndHoldNothing()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { IdleFrameBurst = int.MaxValue });
        YamuxStream stream = await peer.OpenAsync(1);
        byte[] frames = new byte[FrameHeader.Size * 5000];
        for (int i = 0; i < frames.Length; i += FrameHeader.Size) new FrameHeader(FrameType.Data, FrameFlags.None, 1, 0).Write(frames.AsSpan(i));
        for (int i = 0; i < 20; i++) await peer.SendBytesAsync(frames);
        await peer.ExpectAliveAsync();
        Assert.Equal(0, ((YamuxStreamReader)stream.Input).PinnedSize);
    }

    [Fact]
    public async Task Data_TinyFramesInLargeMessages_DoNotPinTheMessages()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { IdleFrameBurst = int.MaxValue });
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.OpenAsync(3);
        byte[] message = new byte[60_000];
        new FrameHeader(FrameType.Data, FrameFlags.None, 1, 1).Write(message);
        for (int offset = FrameHeader.Size + 1; offset < message.Length - FrameHeader.Size; offset += FrameHeader.Size)
            new FrameHeader(FrameType.WindowUpdate, FrameFlags.None, 3, 0).Write(message.AsSpan(offset));
        int whole = FrameHeader.Size + 1 + (message.Length - FrameHeader.Size - 1) / FrameHeader.Size * FrameHeader.Size;
        for (int i = 0; i < 100; i++) await peer.SendBytesAsync(message.AsMemory(0, whole - FrameHeader.Size));
        await peer.ExpectAliveAsync();
        Assert.Equal(100, stream.BytesReceived);
        Assert.InRange(((YamuxStreamReader)stream.Input).PinnedSize, 100, 4096);
        Assert.Equal(new byte[100], await stream.Input.ReadExactlyAsync(100));
    }

    [Fact]
    public async Task Data_UnreadFramesOfMiddleSize_HoldAtMostTwiceTheWindow()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        byte[] message = new byte[40_000];
        for (int i = 0; i < 60; i++)
        {
            new FrameHeader(FrameType.Data, FrameFlags.None, 1, 4096 + 200).Write(message);
            await peer.SendBytesAsync(message.AsMemory(0, FrameHeader.Size + 4096 + 200));
        }

        await peer.ExpectAliveAsync();
        Assert.Equal(60 * (4096 + 200), stream.BytesReceived);
        Assert.InRange(((YamuxStreamReader)stream.Input).PinnedSize, 1, 3 * YamuxOptions.InitialWindow);
        Assert.Equal(60 * (4096 + 200), (await stream.Input.ReadExactlyAsync(60 * (4096 + 200))).Length);
    }

    [Fact]
    public async Task Frame_CutOffAtEveryByte_IsAnUnexpectedEnd()
    {
        byte[] frame = new byte[FrameHeader.Size + 20];
        new FrameHeader(FrameType.Data, FrameFlags.Syn, 1, 20).Write(frame);
        for (int length = 1; length <= frame.Length; length++)
        {
            await using RawPeer peer = await RawPeer.CreateAsync();
            await peer.SendBytesAsync(frame.AsMemory(0, length));
            await peer.EndAsync();
            await peer.ExpectErrorAsync(ConnectionError.EndOfStream, Fault.Peer);
        }
    }

    [Fact]
    public async Task Garbage_OfAnyKind_EndsInATypedErrorOrIsTolerated()
    {
        // Half of the frames are nearly right, or no random bytes would ever get past the first two.
        Gen<byte[]> nearlyRight = Gen.Select(Gen.Byte[0, 4], Gen.UShort[0, 15], Gen.UInt[0, 6], Gen.UInt[0, 40], Gen.Byte.Array[0, 40])
            .Select((type, flags, id, length, payload) =>
            {
                byte[] frame = new byte[FrameHeader.Size + payload.Length];
                new FrameHeader((FrameType)type, (FrameFlags)flags, id, length).Write(frame);
                payload.CopyTo(frame, FrameHeader.Size);
                return frame;
            });
        await Gen.OneOf(nearlyRight, Gen.Byte.Array[1, 60]).Array[1, 20].SampleAsync(
            async pieces =>
            {
                await using RawPeer peer = await RawPeer.CreateAsync();
                foreach (byte[] piece in pieces)
                    if (piece.Length > 0 && !peer.Session.Completion.IsCompleted) await peer.TrySendBytesAsync(piece);
                await peer.EndAsync();
                await peer.Session.Completion.WaitAsync(Cancellation);
                if (peer.Session.Error is { } error)
                {
                    Assert.True(
                        error.Reason is ConnectionError.ProtocolViolation or ConnectionError.EndOfStream or ConnectionError.GoAway or ConnectionError.LimitExceeded,
                        error.ToString());
                }
            },
            iter: 200,
            threads: 1);
    }

    [Fact]
    public async Task GoAway_WithAnErrorCode_EndsTheSessionWithWhatThePeerSaid()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.SendAsync(FrameType.GoAway, FrameFlags.None, 0, 2);
        await peer.ExpectErrorAsync(ConnectionError.GoAway, Fault.Peer);
        await stream.Completion.WaitAsync(Cancellation);
    }

    private static byte[] Encode(FrameType type, FrameFlags flags, uint streamId, uint length)
    {
        byte[] frame = new byte[FrameHeader.Size];
        new FrameHeader(type, flags, streamId, length).Write(frame);
        return frame;
    }
}
