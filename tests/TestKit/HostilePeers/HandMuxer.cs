using Overlay.Transport.Connections;

namespace Overlay.TestKit.HostilePeers;

/// <summary>Yamux by hand over a sealed line, on the dialling side: this side's streams have odd ids, the host's even ones.</summary>
/// <remarks>Nothing is read until <see cref="ReadAsync"/> or <see cref="ReadPolitelyAsync"/> is called. Sending is safe on several threads.</remarks>
public sealed class HandMuxer(SealedLine line) : IAsyncDisposable
{
    private byte[] _received = [];
    private int _at;
    private uint _lastId = unchecked((uint)-1);

    /// <summary>The line below.</summary>
    public SealedLine Line => line;

    /// <summary>Told of every frame that <see cref="ReadPolitelyAsync"/> reads.</summary>
    public Func<HandFrame, ReadOnlyMemory<byte>, Task>? FrameRead { get; set; }

    /// <summary>Sends one frame without a payload.</summary>
    public Task SendAsync(HandFrame frame, CancellationToken cancellationToken) => line.SendAsync(frame.Encode(), cancellationToken);

    /// <summary>Sends frames that are encoded already.</summary>
    public Task SendAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken) => line.SendAsync(frames, cancellationToken);

    /// <summary>The next odd id.</summary>
    public uint NextId() => _lastId += 2;

    /// <summary>Opens a stream and proposes a protocol on it without waiting for an answer; what follows is the protocol's.</summary>
    public async Task<uint> OpenAsync(string protocol, CancellationToken cancellationToken, params byte[] first)
    {
        uint id = NextId();
        byte[] syn = new HandFrame(HandFrame.WindowUpdate, HandFrame.Syn, id, 0).Encode();
        await line.SendAsync((byte[])[.. syn, .. HandFrame.OfData(id, [.. RawLine.Proposal(protocol), .. first])], cancellationToken);
        return id;
    }

    /// <summary>The next frame; null when the connection is over.</summary>
    public async Task<(HandFrame Header, byte[] Payload)?> ReadAsync(CancellationToken cancellationToken)
    {
        if (await TakeAsync(HandFrame.HeaderSize, cancellationToken) is not { } head) return null;
        HandFrame header = HandFrame.Decode(head);
        byte[]? payload = header.Type == HandFrame.Data ? await TakeAsync((int)header.Length, cancellationToken) : [];
        return payload is null ? null : (header, payload);
    }

    /// <summary>Reads all frames and answers pings, as every peer should, until the connection is over.</summary>
    public async Task ReadPolitelyAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await ReadAsync(cancellationToken) is { } frame)
            {
                if (frame.Header is { Type: HandFrame.Ping, Flags: HandFrame.Syn })
                    await SendAsync(frame.Header with { Flags = HandFrame.Ack }, cancellationToken);
                if (FrameRead is { } told) await told(frame.Header, frame.Payload);
            }
        }
        catch (ConnectionException)
        {
            // The host is gone in the middle of an answer.
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => line.DisposeAsync();

    private async Task<byte[]?> TakeAsync(int count, CancellationToken cancellationToken)
    {
        byte[] taken = new byte[count];
        int have = 0;
        while (have < count)
        {
            if (_at == _received.Length)
            {
                if (await line.ReceiveAsync(cancellationToken) is not { } more) return null;
                (_received, _at) = (more, 0);
                continue;
            }

            int part = Math.Min(count - have, _received.Length - _at);
            _received.AsSpan(_at, part).CopyTo(taken.AsSpan(have));
            _at += part;
            have += part;
        }

        return taken;
    }
}
