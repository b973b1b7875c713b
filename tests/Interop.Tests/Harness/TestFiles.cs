using System.Security.Cryptography;

namespace Overlay.Interop.Tests.Harness;

/// <summary>Files of random bytes whose hash is known.</summary>
internal static class TestFiles
{
    /// <summary>Writes <paramref name="size"/> bytes that follow from <paramref name="seed"/>; gives their SHA-256 in lower-case hexadecimal.</summary>
    internal static async Task<string> WriteAsync(string path, long size, int seed)
    {
        var random = new Random(seed);
        byte[] block = new byte[1 << 20];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using FileStream file = File.Create(path);
        for (long left = size; left > 0; left -= block.Length)
        {
            random.NextBytes(block);
            int count = (int)Math.Min(left, block.Length);
            hash.AppendData(block, 0, count);
            await file.WriteAsync(block.AsMemory(0, count), TestContext.Current.CancellationToken);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    internal static async Task<string> HashAsync(string path)
    {
        await using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, TestContext.Current.CancellationToken));
    }
}
