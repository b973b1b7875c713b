using System.Globalization;
using System.Security.Cryptography;

namespace Overlay.Benchmarks.Transport;

/// <summary>What does the cipher alone cost? ChaCha20-Poly1305 of the platform, 64 KiB sealed and opened again on one thread: the floor under every CPU figure.</summary>
internal sealed record CipherFloor(int Mebibytes, int Rounds)
{
    internal const string Usage = "usage: cipher [--mib 1024] [--rounds 5]";

    private const int MessageSize = 64 * 1024;

    internal static CipherFloor Read(CommandOptions options)
    {
        var question = new CipherFloor(options.Count("--mib", 1024), options.Count("--rounds", 5));
        options.Done();
        return question;
    }

    internal int Print()
    {
        (double seconds, double allocated) = Measure();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"ChaCha20-Poly1305, 64 KiB sealed and opened: {seconds:F2} CPU s/GiB, {allocated:F5} bytes allocated per byte (median of {Rounds})"));
        return 0;
    }

    /// <summary>CPU seconds for a GiB that is sealed once and opened once, and managed bytes allocated for each of its bytes.</summary>
    internal (double CpuSecondsPerGiB, double AllocatedPerByte) Measure()
    {
        using var cipher = new ChaCha20Poly1305(new byte[32]);
        byte[] plaintext = new byte[MessageSize], ciphertext = new byte[MessageSize], tag = new byte[16], nonce = new byte[12];
        long count = ((long)Mebibytes << 20) / MessageSize;
        var seconds = new List<double>();
        var allocated = new List<double>();
        for (int round = 0; round <= Rounds; round++)
        {
            (double cpu, long bytes) = FarEndWords.Spent();
            for (long i = 0; i < count; i++)
            {
                BitConverter.TryWriteBytes(nonce, (round * count) + i);
                cipher.Encrypt(nonce, plaintext, ciphertext, tag);
                cipher.Decrypt(nonce, ciphertext, tag, plaintext);
            }

            (double cpuNow, long bytesNow) = FarEndWords.Spent();
            if (round == 0) continue;
            seconds.Add((cpuNow - cpu) * 1024 / Mebibytes);
            allocated.Add((bytesNow - bytes) / (double)(count * MessageSize));
        }

        return (Medians.Of(seconds), Medians.Of(allocated));
    }
}
