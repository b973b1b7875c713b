using Overlay.Fuzzing.Engine;
using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Fuzzing.Targets;

/// <summary>Yamux frames cut out of a stream of bytes: each header has one encoding, and where the bytes are cut makes no difference.</summary>
/// <remarks>Input: the size of the pieces, then the bytes.</remarks>
internal sealed class YamuxFramesTarget : FuzzTarget
{
    internal override string Name => "yamux-frames";

    internal override IEnumerable<byte[]> Seeds => [[5, .. YamuxSamples.Conversation], [1, .. YamuxSamples.Frame(FrameType.Data, FrameFlags.Fin, 3, 2, 1, 2)]];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        int pieceSize = parts.TakeByte();
        meter.Start();
        bool valid = TryDecode(parts.Rest, int.MaxValue, out int frames, out int payload, out bool isBetween);
        meter.Stop();
        bool sameValid = TryDecode(parts.Rest, pieceSize, out int sameFrames, out int samePayload, out bool isSameBetween);
        Invariant.Same((valid, frames, payload, isBetween), (sameValid, sameFrames, samePayload, isSameBetween), "Where the bytes are cut makes no difference");
        return valid && frames > 0 && isBetween;
    }

    private static bool TryDecode(ReadOnlySpan<byte> bytes, int pieceSize, out int frames, out int payload, out bool isBetween)
    {
        frames = payload = 0;
        isBetween = false;
        var decoder = default(FrameDecoder);
        var pieces = new Pieces(bytes, pieceSize);
        Span<byte> written = stackalloc byte[FrameHeader.Size];
        try
        {
            while (pieces.Receive())
            {
                while (!pieces.Arrived.IsEmpty)
                {
                    if (decoder.PayloadLeft > 0)
                    {
                        int count = decoder.TakePayload(pieces.Arrived.Length);
                        Invariant.Holds(count > 0 && count <= pieces.Arrived.Length, "Some of the payload is taken, and no more than there is.");
                        payload += count;
                        pieces.Consume(count);
                        continue;
                    }

                    bool isHeader = decoder.TryReadHeader(pieces.Arrived, out int taken, out FrameHeader header);
                    pieces.Consume(taken);
                    if (!isHeader) continue;
                    frames++;
                    header.Write(written);
                    Invariant.Same(bytes.Slice(pieces.Consumed - FrameHeader.Size, FrameHeader.Size), written, "A header has one encoding");
                }
            }
        }
        catch (ConnectionException refused)
        {
            Invariant.Holds(refused is { Fault: Fault.Peer, Reason: ConnectionError.ProtocolViolation }, "A malformed header is the peer's fault.");
            return false;
        }

        isBetween = decoder.IsBetweenFrames;
        return true;
    }
}

internal static class YamuxSamples
{
    /// <summary>A peer that answers the first ping, opens two streams, sends, half-closes one and resets the other, and goes away.</summary>
    internal static byte[] Conversation { get; } =
    [
        .. Frame(FrameType.Ping, FrameFlags.Ack, 0, 1),
        .. Frame(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0),
        .. Frame(FrameType.Data, FrameFlags.None, 1, 5, 1, 2, 3, 4, 5),
        .. Frame(FrameType.Data, FrameFlags.Syn | FrameFlags.Fin, 3, 3, 6, 7, 8),
        .. Frame(FrameType.WindowUpdate, FrameFlags.Ack, 2, 1000),
        .. Frame(FrameType.Ping, FrameFlags.Syn, 0, 77),
        .. Frame(FrameType.WindowUpdate, FrameFlags.Fin, 2, 0),
        .. Frame(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0),
        .. Frame(FrameType.GoAway, FrameFlags.None, 0, 0),
    ];

    internal static byte[] Frame(FrameType type, FrameFlags flags, uint streamId, uint length, params ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, flags, streamId, length).Write(frame);
        payload.CopyTo(frame.AsSpan(FrameHeader.Size));
        return frame;
    }
}
