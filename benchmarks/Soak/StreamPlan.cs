using System.Buffers.Binary;

namespace Overlay.Benchmarks.Soak;

/// <summary>What is to happen on one stream.</summary>
internal enum StreamKind : byte
{
    /// <summary>Both ends send their bytes at once and half-close behind them.</summary>
    Transfer = 1,

    /// <summary>The near end sends messages one after another, and each comes back before the next goes.</summary>
    Echo,

    /// <summary>The near end resets the stream behind its upload, in the middle of the download.</summary>
    NearReset,

    /// <summary>The far end resets the stream when half the upload has come.</summary>
    FarReset,

    /// <summary>The far end opens a stream of its own on the same connection, and downloads through it, before it ends this one.</summary>
    Back,
}

/// <summary>The first bytes on every stream: what both ends are about to do, and under which name they report how it went.</summary>
/// <param name="Id">Unique in the run.</param>
/// <param name="Connection">The connection's number, unique in the run.</param>
/// <param name="Kind">What happens.</param>
/// <param name="Upload">Bytes that the opener sends behind the plan.</param>
/// <param name="Download">Bytes that the other end sends behind its one byte of greeting.</param>
/// <param name="Chunk">Bytes of a write.</param>
internal readonly record struct StreamPlan(ulong Id, uint Connection, StreamKind Kind, long Upload, long Download, int Chunk)
{
    internal const int Size = 33;

    /// <summary>Answers the plan: the far end knows the stream's name now, so that a reset can no longer hide it.</summary>
    internal const byte Greeting = 0x2A;

    /// <summary>Set in the id of the stream that the far end of a <see cref="StreamKind.Back"/> opens.</summary>
    internal const ulong BackBit = 1UL << 63;

    internal void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Id);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], Connection);
        destination[12] = (byte)Kind;
        BinaryPrimitives.WriteInt64BigEndian(destination[13..], Upload);
        BinaryPrimitives.WriteInt64BigEndian(destination[21..], Download);
        BinaryPrimitives.WriteInt32BigEndian(destination[29..], Chunk);
    }

    internal static StreamPlan Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt64BigEndian(source),
        BinaryPrimitives.ReadUInt32BigEndian(source[8..]),
        (StreamKind)source[12],
        BinaryPrimitives.ReadInt64BigEndian(source[13..]),
        BinaryPrimitives.ReadInt64BigEndian(source[21..]),
        BinaryPrimitives.ReadInt32BigEndian(source[29..]));
}
