using System.Buffers.Binary;

namespace Overlay.TestKit.HostilePeers;

/// <summary>A Yamux frame by hand (yamux specification, "Framing"): any version, type, flags, id and length, whether or not they fit together.</summary>
public readonly record struct HandFrame(byte Type, ushort Flags, uint StreamId, uint Length, byte Version = 0)
{
    /// <summary>Bytes of a header.</summary>
    public const int HeaderSize = 12;

    /// <summary>Types (specification, "Type Field").</summary>
    public const byte Data = 0, WindowUpdate = 1, Ping = 2, GoAway = 3;

    /// <summary>Flags (specification, "Flag Field").</summary>
    public const ushort Syn = 1, Ack = 2, Fin = 4, Rst = 8;

    /// <summary>The window that both sides assume for a new stream.</summary>
    public const int InitialWindow = 256 * 1024;

    /// <summary>Header and payload, whose size need not be <see cref="Length"/>.</summary>
    public byte[] Encode(ReadOnlySpan<byte> payload = default)
    {
        byte[] frame = new byte[HeaderSize + payload.Length];
        frame[0] = Version;
        frame[1] = Type;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), Flags);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), StreamId);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(8), Length);
        payload.CopyTo(frame.AsSpan(HeaderSize));
        return frame;
    }

    /// <summary>A data frame that says truly how long it is.</summary>
    public static byte[] OfData(uint streamId, ReadOnlySpan<byte> payload, ushort flags = 0) =>
        new HandFrame(Data, flags, streamId, (uint)payload.Length).Encode(payload);

    /// <summary>Many frames in one piece.</summary>
    public static byte[] Many(int count, Func<int, HandFrame> frame)
    {
        byte[] frames = new byte[count * HeaderSize];
        for (int i = 0; i < count; i++) frame(i).Encode().CopyTo(frames, i * HeaderSize);
        return frames;
    }

    internal static HandFrame Decode(ReadOnlySpan<byte> header) => new(
        header[1],
        BinaryPrimitives.ReadUInt16BigEndian(header[2..]),
        BinaryPrimitives.ReadUInt32BigEndian(header[4..]),
        BinaryPrimitives.ReadUInt32BigEndian(header[8..]),
        header[0]);
}
