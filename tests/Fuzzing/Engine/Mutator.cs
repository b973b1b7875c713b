using System.Buffers.Binary;

namespace Overlay.Fuzzing.Engine;

/// <summary>Makes inputs out of others, reproducibly: flips, arithmetic, interesting numbers, blocks moved, copied, cut, words put in, two inputs joined.</summary>
internal sealed class Mutator(Random random, int maxSize, IReadOnlyList<byte[]> words)
{
    private const int MaxSteps = 16;
    private const int MaxBlock = 64;
    private const int MaxDelta = 35;

    private static readonly ulong[] s_numbers =
    [
        0, 1, 2, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 1025, 4095, 4096, 16383, 16384, 32767, 32768, 65535, 65536,
        262143, 262144, 262145, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 1UL << 62, long.MaxValue, 1UL << 63, ulong.MaxValue,
    ];

    /// <summary>A new input from <paramref name="from"/>, with parts of <paramref name="other"/> perhaps.</summary>
    internal byte[] Mutate(byte[] from, byte[] other)
    {
        var bytes = new List<byte>(from.Length + MaxBlock);
        bytes.AddRange(from);
        if (random.Next(16) == 0) Splice(bytes, other);
        // Few steps most of the time, many now and then.
        int steps = 1 + random.Next(1 << random.Next(1, 5));
        for (int i = 0; i < Math.Min(steps, MaxSteps); i++) Step(bytes, other);
        if (bytes.Count > maxSize) bytes.RemoveRange(maxSize, bytes.Count - maxSize);
        return [.. bytes];
    }

    private void Step(List<byte> bytes, byte[] other)
    {
        if (bytes.Count == 0)
        {
            Insert(bytes, RandomBlock());
            return;
        }

        int at = random.Next(bytes.Count);
        switch (random.Next(words.Count > 0 ? 13 : 11))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes[at] += (byte)(1 + random.Next(MaxDelta));
                break;
            case 3:
                bytes[at] -= (byte)(1 + random.Next(MaxDelta));
                break;
            case 4:
                Overwrite(bytes, Number());
                break;
            case 5:
                Insert(bytes, Number());
                break;
            case 6:
                bytes.RemoveRange(at, Math.Min(BlockSize(), bytes.Count - at));
                break;
            case 7:
                Insert(bytes, [.. bytes.GetRange(at, Math.Min(BlockSize(), bytes.Count - at))]);
                break;
            case 8:
                Overwrite(bytes, [.. bytes.GetRange(at, Math.Min(BlockSize(), bytes.Count - at))]);
                break;
            case 9:
                Insert(bytes, random.Next(2) == 0 ? RandomBlock() : Repeated());
                break;
            case 10:
                Insert(bytes, BlockOf(other));
                break;
            case 11:
                Insert(bytes, words[random.Next(words.Count)]);
                break;
            default:
                Overwrite(bytes, words[random.Next(words.Count)]);
                break;
        }
    }

    private void Splice(List<byte> bytes, byte[] other)
    {
        if (bytes.Count == 0 || other.Length == 0) return;
        int kept = random.Next(bytes.Count + 1);
        bytes.RemoveRange(kept, bytes.Count - kept);
        bytes.AddRange(other.AsSpan(random.Next(other.Length)));
    }

    private void Insert(List<byte> bytes, byte[] block) => bytes.InsertRange(random.Next(bytes.Count + 1), block);

    private void Overwrite(List<byte> bytes, byte[] block)
    {
        int at = random.Next(bytes.Count);
        for (int i = 0; i < block.Length && at + i < bytes.Count; i++) bytes[at + i] = block[i];
    }

    private byte[] Number()
    {
        ulong number = s_numbers[random.Next(s_numbers.Length)];
        byte[] bytes = new byte[8];
        int size = 1 << random.Next(4);
        if (random.Next(2) == 0)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
            return bytes[^size..];
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        return bytes[..size];
    }

    private byte[] RandomBlock()
    {
        byte[] block = new byte[BlockSize()];
        random.NextBytes(block);
        return block;
    }

    private byte[] Repeated()
    {
        byte[] block = new byte[BlockSize()];
        block.AsSpan().Fill((byte)random.Next(256));
        return block;
    }

    private byte[] BlockOf(byte[] other)
    {
        if (other.Length == 0) return RandomBlock();
        int at = random.Next(other.Length);
        return other[at..Math.Min(other.Length, at + BlockSize())];
    }

    private int BlockSize() => 1 + random.Next(random.Next(8) == 0 ? MaxBlock : 8);
}
