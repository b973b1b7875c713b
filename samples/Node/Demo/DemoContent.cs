using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Overlay.Node.Demo;

/// <summary>The bytes that the demo's web server serves: SplitMix64 (Steele, Lea, Flood, 2014) from a fixed seed, little-endian, so that anybody can make them again.</summary>
internal static class DemoContent
{
    private const ulong Seed = 0x6F7665726C6179; // "overlay"
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    /// <summary>Writes the content's bytes from <paramref name="offset"/>.</summary>
    /// <param name="destination">A multiple of 8 bytes.</param>
    /// <param name="offset">A multiple of 8.</param>
    internal static void Fill(Span<byte> destination, ulong offset)
    {
        ulong state = unchecked(Seed + Gamma * (offset / 8));
        for (int i = 0; i < destination.Length; i += 8)
        {
            state = unchecked(state + Gamma);
            ulong z = unchecked((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9);
            z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
            BinaryPrimitives.WriteUInt64LittleEndian(destination[i..], z ^ (z >> 31));
        }
    }

    /// <summary>The SHA-256 of the content's first <paramref name="size"/> bytes, a multiple of 8.</summary>
    internal static byte[] Hash(ulong size)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] piece = new byte[64 * 1024];
        for (ulong offset = 0; offset < size; offset += (ulong)piece.Length)
        {
            Span<byte> part = piece.AsSpan(0, (int)Math.Min((ulong)piece.Length, size - offset));
            Fill(part, offset);
            hash.AppendData(part);
        }

        return hash.GetHashAndReset();
    }
}
