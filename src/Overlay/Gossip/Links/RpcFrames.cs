using System.Buffers;
using Overlay.Gossip.Wire;

namespace Overlay.Gossip.Links;

/// <summary>RPCs in a stream: each preceded by its length as an unsigned varint.</summary>
internal static class RpcFrames
{
    // Five groups of seven bits hold any length that a limit can allow.
    private const int MaxPrefixSize = 5;

    /// <summary>Takes one RPC off the front of the buffer. The announced length is held against the limit before anything is waited for or given room.</summary>
    internal static FrameStatus TryTake(ref ReadOnlySequence<byte> buffer, int maxSize, out byte[] rpc)
    {
        rpc = [];
        var reader = new SequenceReader<byte>(buffer);
        ulong size = 0;
        for (int i = 0; ; i++)
        {
            if (i == MaxPrefixSize) return FrameStatus.Malformed;
            if (!reader.TryRead(out byte b)) return FrameStatus.NeedMore;
            size |= (ulong)(b & 0x7F) << (7 * i);
            if (b < 0x80) break;
        }

        if (size > (ulong)maxSize) return FrameStatus.Oversized;
        if ((ulong)reader.Remaining < size) return FrameStatus.NeedMore;
        rpc = new byte[(int)size];
        reader.UnreadSequence.Slice(0, (long)size).CopyTo(rpc);
        buffer = buffer.Slice(reader.Position).Slice((long)size);
        return FrameStatus.Taken;
    }

    /// <summary>An RPC with its length in front.</summary>
    internal static byte[] Frame(RpcEncoder encoder, Rpc rpc)
    {
        ReadOnlySpan<byte> bytes = encoder.Encode(rpc);
        byte[] frame = new byte[ProtoWriter.VarintSize((ulong)bytes.Length) + bytes.Length];
        int at = 0;
        uint rest = (uint)bytes.Length;
        for (; rest >= 0x80; rest >>= 7) frame[at++] = (byte)(rest | 0x80);
        frame[at++] = (byte)rest;
        bytes.CopyTo(frame.AsSpan(at));
        return frame;
    }
}

/// <summary>What is at the front of a buffer.</summary>
internal enum FrameStatus
{
    Taken,
    NeedMore,
    Oversized,
    Malformed,
}
