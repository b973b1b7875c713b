using System.Text.Json;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary><c>overlay ledger verify</c> against a real ledger and against the same one with a byte flipped on disk.</summary>
public sealed class LedgerVerifyTests
{
    [Fact]
    public async Task Verify_OneByteFlippedInAReceiptOnDisk_IsFoundOnEitherSide()
    {
        await using Chain chain = await Chain.StartAsync();
        await TestFiles.WriteAsync(Path.Combine(chain.Origin.Root, "file.bin"), 2 << 20, seed: 5);
        CurlResult result = await Curl.FetchAsync(chain.Origin.Url("file.bin"), Curl.ThroughSocks(chain.Consumer.Socks));
        Assert.True(result.ExitCode == 0, result.Errors);
        await chain.StopAsync();
        await chain.AssertLedgersAgreeAsync();

        foreach (string data in new[] { chain.ProviderData, chain.ConsumerData })
        {
            foreach (JsonElement receipt in await OverlayCli.SucceedAsync("ledger", "export", "--data", data))
            {
                if (receipt.GetProperty("type").GetString() != "receipt") continue;
                byte[] stored = receipt.GetProperty("receipt").GetBytesFromBase64();
                // The envelope, the body, the consumer's signature, the provider's.
                foreach (int at in (int[])[0, 5, 60, stored.Length - 70, stored.Length - 1]) await AssertFlipIsFoundAsync(data, stored, at);
            }
        }
    }

    private static async Task AssertFlipIsFoundAsync(string data, byte[] stored, int at)
    {
        (string file, long offset) = Find(data, stored);
        Flip(file, offset + at);
        CliResult verdict = await OverlayCli.RunAsync("ledger", "verify", "--data", data);
        Flip(file, offset + at);

        Assert.True(verdict.ExitCode == 1, $"A flipped byte {at} of a receipt was not found in {file}.");
        Assert.Single(verdict.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        await OverlayCli.SucceedAsync("ledger", "verify", "--data", data);
    }

    // Whatever the store looks like inside, the receipt's bytes are in one of its files.
    private static (string File, long Offset) Find(string folder, byte[] bytes)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            int offset = File.ReadAllBytes(file).AsSpan().IndexOf(bytes);
            if (offset >= 0) return (file, offset);
        }

        throw new InvalidOperationException($"The {bytes.Length} bytes that the ledger exported are in none of its files.");
    }

    private static void Flip(string file, long offset)
    {
        using FileStream stream = File.Open(file, FileMode.Open);
        stream.Position = offset;
        int value = stream.ReadByte();
        stream.Position = offset;
        stream.WriteByte((byte)(value ^ 0x01));
    }
}
