using Microsoft.Extensions.Time.Testing;
using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Transport.Tests.Yamux;

/// <summary>A session whose peer is the test itself, which writes frames by hand and reads what the session sends.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private readonly MemorySecureChannel _ours;
    private readonly MemorySecureChannel _peers;
    private readonly Queue<byte> _received = new();

    private RawPeer(YamuxOptions options, Direction sessionDirection, int capacity)
    {
        (_ours, _peers) = MemorySecureChannel.CreatePair(capacity);
        Session = new YamuxSession(_ours, sessionDirection, options, Time);
    }

    internal FakeTimeProvider Time { get; } = new();

    internal YamuxSession Session { get; }

    /// <summary>The session's end of the line.</summary>
    internal MemorySecureChannel SessionChannel => _ours;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A session that was dialled (so the test uses odd ids), its first ping answered, and at rest: loops that still run take along what is to wait for company.</summary>
    internal static async Task<RawPeer> CreateAsync(YamuxOptions? options = null, Direction sessionDirection = Direction.Inbound)
    {
        RawPeer peer = CreateUnread(options, sessionDirection);
        await peer.AnswerPingAsync();
        await peer.ExpectAliveAsync();
        while (!peer.Session.IsSendingIdle) await Task.Yield();
        return peer;
    }

    /// <summary>A session whose frames nobody has read yet.</summary>
    internal static RawPeer CreateUnread(YamuxOptions? options = null, Direction sessionDirection = Direction.Inbound, int capacity = 1024) =>
        new(options ?? YamuxOptions.Default, sessionDirection, capacity);

    internal ValueTask SendAsync(FrameType type, FrameFlags flags, uint streamId, uint length, ReadOnlySpan<byte> payload = default)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, flags, streamId, length).Write(frame);
        payload.CopyTo(frame.AsSpan(FrameHeader.Size));
        return SendBytesAsync(frame);
    }

    internal ValueTask SendDataAsync(uint streamId, int count, FrameFlags flags = FrameFlags.None) =>
        SendAsync(FrameType.Data, flags, streamId, (uint)count, new byte[count]);

    internal async ValueTask SendBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int count = Math.Min(bytes.Length, _peers.MaxWriteSize);
            bytes[..count].CopyTo(_peers.GetMemory(count));
            _peers.Advance(count);
            bytes = bytes[count..];
        }

        await _peers.FlushAsync(Cancellation);
    }

    /// <summary>Sends to a session that may have ended meanwhile.</summary>
    internal async Task TrySendBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await SendBytesAsync(bytes);
        }
        catch (ConnectionException)
        {
            // The session has had enough.
        }
    }

    internal ValueTask EndAsync() => _peers.CompleteAsync();

    /// <summary>The next frame's header; its payload is dropped. Null at the end.</summary>
    internal async Task<FrameHeader?> ReadAsync()
    {
        if (!await FillAsync(FrameHeader.Size)) return null;
        byte[] bytes = new byte[FrameHeader.Size];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = _received.Dequeue();
        FrameHeader header = FrameHeader.Read(bytes);
        if (header.Type != FrameType.Data) return header;
        Assert.True(await FillAsync((int)header.Length));
        for (int i = 0; i < header.Length; i++) _received.Dequeue();
        return header;
    }

    internal async Task ExpectAsync(FrameType type, FrameFlags flags, uint streamId, uint length) =>
        Assert.Equal(new FrameHeader(type, flags, streamId, length), await ReadAsync());

    /// <summary>Reads a ping and answers it.</summary>
    internal async Task AnswerPingAsync()
    {
        FrameHeader? ping = await ReadAsync();
        Assert.Equal((FrameType.Ping, FrameFlags.Syn, 0u), (ping!.Value.Type, ping.Value.Flags, ping.Value.StreamId));
        await SendAsync(FrameType.Ping, FrameFlags.Ack, 0, ping.Value.Length);
    }

    /// <summary>Expects that the session says GoAway 1 and ends, blaming the peer for <paramref name="reason"/>.</summary>
    internal async Task ExpectRefusalAsync(ConnectionError reason = ConnectionError.ProtocolViolation)
    {
        FrameHeader? frame;
        do frame = await ReadAsync();
        while (frame is { } other && other.Type != FrameType.GoAway);
        Assert.Equal(new FrameHeader(FrameType.GoAway, FrameFlags.None, 0, (uint)GoAwayCode.ProtocolError), frame);
        await ExpectErrorAsync(reason, Fault.Peer);
    }

    internal async Task ExpectErrorAsync(ConnectionError reason, Fault fault)
    {
        await Session.Completion.WaitAsync(Cancellation);
        Assert.NotNull(Session.Error);
        Assert.Equal((reason, fault), (Session.Error.Reason, Session.Error.Fault));
        Assert.Equal(0, Session.StreamCount);
    }

    /// <summary>Shows that the session has taken everything sent so far and lives.</summary>
    internal async Task ExpectAliveAsync()
    {
        await SendAsync(FrameType.Ping, FrameFlags.Syn, 0, 0xABCD);
        FrameHeader? frame;
        do frame = await ReadAsync();
        while (frame is { } other && other != new FrameHeader(FrameType.Ping, FrameFlags.Ack, 0, 0xABCD));
        Assert.NotNull(frame);
    }

    /// <summary>Opens a stream towards the session and accepts it there.</summary>
    internal async Task<YamuxStream> OpenAsync(uint streamId)
    {
        await SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, streamId, 0);
        MuxedStream? accepted = await Session.AcceptStreamAsync(Cancellation);
        Assert.NotNull(accepted);
        accepted.ReleaseHeld();
        await ExpectAsync(FrameType.WindowUpdate, FrameFlags.Ack, streamId, 0);
        return (YamuxStream)accepted;
    }

    public async ValueTask DisposeAsync()
    {
        await Session.DisposeAsync();
        await _peers.DisposeAsync();
        Assert.Equal(0, _ours.HeldBuffers + _peers.HeldBuffers);
    }

    private async Task<bool> FillAsync(int count)
    {
        while (_received.Count < count)
        {
            ReceivedSegment segment = await _peers.ReceiveAsync(Cancellation);
            if (segment.IsEnd) return false;
            foreach (byte value in segment.Span) _received.Enqueue(value);
            segment.Buffer!.Release();
        }

        return true;
    }
}
