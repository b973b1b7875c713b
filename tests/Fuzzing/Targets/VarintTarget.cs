using Overlay.Fuzzing.Engine;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>Unsigned varints: one encoding for each number, nothing beyond 63 bits.</summary>
internal sealed class VarintTarget : FuzzTarget
{
    internal override string Name => "varint";

    internal override int MaxSize => 16;

    internal override int FixedAllocation => 0;

    internal override IEnumerable<byte[]> Seeds =>
        new ulong[] { 0, 1, 127, 128, 255, 300, 16383, 16384, uint.MaxValue, 1UL << 56, long.MaxValue }.Select(Encode)
            .Append([0x80]).Append([0x81, 0x00]).Append([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        meter.Start();
        VarintStatus status = Varint.TryRead(input, out ulong value, out int size);
        meter.Stop();
        switch (status)
        {
            case VarintStatus.Done:
                Invariant.Holds(value <= long.MaxValue, "A varint is below 2^63.");
                Invariant.Same(input[..size], Encode(value), "A varint has one encoding");
                return true;
            case VarintStatus.NeedMore:
                Invariant.Holds(input.Length < Varint.MaxSize && !input.ContainsAnyInRange((byte)0, (byte)0x7F), "Only a varint without an end needs more.");
                return false;
            default:
                return false;
        }
    }

    private static byte[] Encode(ulong value)
    {
        byte[] bytes = new byte[Varint.MaxSize];
        int size = Varint.Write(bytes, value);
        Invariant.Same(Varint.Size(value), size, "A varint's size is known before it is written");
        return bytes[..size];
    }
}
