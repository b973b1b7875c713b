using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using Overlay.Transport.Yamux;

namespace Overlay.Benchmarks.Micro;

/// <summary>A Yamux header written and read again, with its checks; as baseline the same twelve bytes stored and loaded without any.</summary>
[MemoryDiagnoser]
public class FrameHeaders
{
    private readonly byte[] _bytes = new byte[FrameHeader.Size];

    /// <summary>Three big-endian numbers there and back.</summary>
    [Benchmark(Baseline = true)]
    public uint Numbers()
    {
        Span<byte> bytes = _bytes;
        BinaryPrimitives.WriteUInt32BigEndian(bytes, 1);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], 77);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], 65536);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes) + BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]) + BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]);
    }

    /// <summary>The muxer's own way.</summary>
    [Benchmark]
    public uint Headers()
    {
        new FrameHeader(FrameType.Data, FrameFlags.Ack, 77, 65536).Write(_bytes);
        FrameHeader header = FrameHeader.Read(_bytes);
        return header.StreamId + header.Length;
    }
}
