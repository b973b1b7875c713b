using System.Buffers.Binary;

namespace Overlay.Transport.Yamux;

/// <summary>What a frame is (yamux specification, "Type Field").</summary>
internal enum FrameType : byte
{
    Data = 0,
    WindowUpdate = 1,
    Ping = 2,
    GoAway = 3,
}

/// <summary>What a frame says beside its type (yamux specification, "Flag Field").</summary>
[Flags]
internal enum FrameFlags : ushort
{
    None = 0,
    Syn = 1,
    Ack = 2,
    Fin = 4,
    Rst = 8,
}

/// <summary>Why a session ends (yamux specification, "Session termination").</summary>
internal enum GoAwayCode : uint
{
    Normal = 0,
    ProtocolError = 1,
    InternalError = 2,
}

/// <summary>The header of every frame (yamux specification, "Framing"). All fields in network order.</summary>
/// <remarks>
/// <code>
///  0        1        2                 4
/// +--------+--------+-----------------+
/// |version | type   | flags           |   version is 0
/// +--------+--------+-----------------+
/// | stream id, 0 for the session      |
/// +-----------------------------------+
/// | length                            |   Data: bytes that follow; WindowUpdate: delta; Ping: opaque; GoAway: code
/// +-----------------------------------+
/// </code>
/// </remarks>
internal readonly record struct FrameHeader(FrameType Type, FrameFlags Flags, uint StreamId, uint Length)
{
    internal const int Size = 12;
    internal const byte Version = 0;

    internal bool Has(FrameFlags flag) => (Flags & flag) != 0;

    /// <summary>Reads a header from the first <see cref="Size"/> bytes.</summary>
    /// <exception cref="Connections.ConnectionException">The version or the type is unknown. Unknown flags are ignored, as other implementations do.</exception>
    internal static FrameHeader Read(ReadOnlySpan<byte> source)
    {
        if (source[0] != Version) throw YamuxError.Violation($"The peer sent a frame of the unknown version {source[0]}.");
        if (source[1] > (byte)FrameType.GoAway) throw YamuxError.Violation($"The peer sent a frame of the unknown type {source[1]}.");
        return new FrameHeader(
            (FrameType)source[1],
            (FrameFlags)BinaryPrimitives.ReadUInt16BigEndian(source[2..]),
            BinaryPrimitives.ReadUInt32BigEndian(source[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(source[8..]));
    }

    /// <summary>Writes the header into the first <see cref="Size"/> bytes.</summary>
    internal void Write(Span<byte> destination)
    {
        destination[0] = Version;
        destination[1] = (byte)Type;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)Flags);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], StreamId);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], Length);
    }
}
