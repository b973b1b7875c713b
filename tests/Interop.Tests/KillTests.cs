using System.Diagnostics;
using System.Text.Json;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary><c>kill -9</c> in the middle of a transfer, many times, provider and consumer in turn.</summary>
public sealed class KillTests
{
    private const long Endless = 8L << 30;

    /// <summary>What was acknowledged before the kill is on disk after it, on both sides; the next session settles what was lost.</summary>
    [Theory]
    [InlineData("provider")]
    [InlineData("consumer")]
    public async Task Kill_InTheMiddleOfATransfer_NoAcknowledgedReceiptIsLostAndTheNextSessionSettles(string victim)
    {
        await using Chain chain = await Chain.StartAsync();
        await TestFiles.WriteAsync(Path.Combine(chain.Origin.Root, "small.bin"), 300_000, seed: 11);
        CreateSparse(Path.Combine(chain.Origin.Root, "endless.bin"), Endless);
        var random = new Random(victim.Length);

        for (int round = 0; round < TestSizes.Kills; round++)
        {
            Task<CurlResult> transfer = Curl.FetchAsync(chain.Origin.Url("endless.bin"), Curl.ThroughSocks(chain.Consumer.Socks));
            // A different number of receipts each time, and no waiting for a quiet moment: the kill falls anywhere between two of them.
            List<JsonElement> acknowledged = [];
            int count = random.Next(1, 12);
            while (acknowledged.Count < count) acknowledged.Add(await chain.Consumer.WaitForEventAsync("receipt"));
            await SpinAsync(random.Next(0, 3000));

            if (victim == "provider") await chain.Provider.KillAsync();
            else await chain.Consumer.KillAsync();
            CurlResult broken = await transfer;
            acknowledged.AddRange(chain.Consumer.TakeEvents("receipt"));

            Assert.True(broken.ExitCode != 0, $"Round {round}: the transfer outlived its {victim}.");
            AssertKept(acknowledged, await LedgerLeg.ListAsync(chain.ProviderData), $"Round {round}, provider's ledger");
            AssertKept(acknowledged, await LedgerLeg.ListAsync(chain.ConsumerData), $"Round {round}, consumer's ledger");

            if (victim == "provider") await chain.StartProviderAsync();
            else await chain.StartConsumerAsync();
            CurlResult next = await Curl.FetchAsync(
                chain.Origin.Url("small.bin"), [.. Curl.ThroughSocks(chain.Consumer.Socks), "--retry", "5", "--retry-all-errors", "--retry-delay", "1"]);
            Assert.True(next.ExitCode == 0, $"Round {round}: nothing goes through after the {victim} came back.\n{next.Errors}");
        }

        await chain.StopAsync();
        await chain.AssertLedgersAgreeAsync();
    }

    private static void AssertKept(IReadOnlyList<JsonElement> acknowledged, IReadOnlyList<LedgerLeg> ledger, string where)
    {
        var legs = ledger.ToDictionary(leg => leg.Key);
        foreach (JsonElement receipt in acknowledged)
        {
            (string, long) key = (receipt.GetProperty("sessionId").GetString()!, receipt.GetProperty("leg").GetInt64());
            long sequence = receipt.GetProperty("seq").GetInt64();
            Assert.True(legs.TryGetValue(key, out LedgerLeg? kept), $"{where}: the leg {key} is not there.");
            Assert.True(kept.Sequence >= sequence, $"{where}: receipt {sequence} of {key} was acknowledged, {kept.Sequence} is the last kept.");
            Assert.True(kept.Total >= receipt.GetProperty("up").GetInt64() + receipt.GetProperty("down").GetInt64(), $"{where}: {key} lost bytes.");
        }
    }

    // Random bytes would cost minutes to write; nginx sends a hole as fast as anything else.
    private static void CreateSparse(string path, long size)
    {
        using FileStream file = File.Create(path);
        file.SetLength(size);
    }

    // Up to a few milliseconds, finer than a timer: it decides which instruction the kill falls on, nothing waits for it to be long enough.
    private static Task SpinAsync(int microseconds) => Task.Run(() =>
    {
        long end = Stopwatch.GetTimestamp() + (microseconds * Stopwatch.Frequency / 1_000_000);
        while (Stopwatch.GetTimestamp() < end) Thread.SpinWait(20);
    });
}
