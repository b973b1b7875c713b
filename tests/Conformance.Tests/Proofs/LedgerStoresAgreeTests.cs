using CsCheck;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.TestKit.Proofs;

namespace Overlay.Conformance.Tests.Proofs;

/// <summary>Any history of right and wrong writes: both stores take and refuse the same, and what they took verifies.</summary>
public sealed class LedgerStoresAgreeTests
{
    private static readonly Gen<(int Session, int Action, ulong By)[]> s_histories =
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 13], Gen.ULong[0, 3]).Array[1, 40];

    [Fact]
    public Task Stores_AnyHistory_AgreeAndVerify() => s_histories.SampleAsync(RunAsync, iter: 30);

    private static async Task RunAsync((int Session, int Action, ulong By)[] history)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string folder = Directory.CreateTempSubdirectory("overlay-ledger-").FullName;
        try
        {
            await using var memory = new InMemoryLedgerStore();
            await using SqliteLedgerStore file = await SqliteLedgerStore.OpenAsync(Path.Combine(folder, "ledger.db"), cancellation);
            SessionScript[] scripts = [.. Enumerable.Range(0, 3).Select(i => new SessionScript(i, i == 1 ? LedgerRole.Consumer : LedgerRole.Provider))];
            List<ReceiptEntry>[] made = [[], [], []];
            // The third stays unknown until the history saves it.
            foreach (SessionScript known in scripts[..2])
                Assert.Equal("kept", await TryAsync(memory, known.Record, null) is "kept" ? await TryAsync(file, known.Record, null) : "refused");

            foreach ((int which, int action, ulong by) in history)
            {
                SessionScript script = scripts[which];
                ReceiptBody due = script.DueBody(final: by == 0);
                (SessionRecord record, ReceiptEntry? entry) = action switch
                {
                    0 or 1 => (script.Record, null),
                    2 => (script.Record with { Leg = (uint)by }, null),
                    3 => (script.Record with { CreditWindow = by, State = by == 0 ? SessionState.Disputed : SessionState.Open }, null),
                    4 => (script.Record with { PricePerGiB = by }, null),
                    5 => (script.Record, script.Make(due with { Sequence = due.Sequence + by }, script.DueOpening)),
                    6 => (script.Record, script.Make(due with { Leg = due.Leg + (uint)by }, script.DueOpening)),
                    7 => (script.Record, script.Make(script.Commit(due with { IssuedAt = due.IssuedAt + by }, new(by, by)), new(by, by))),
                    8 or 9 when made[which].Count != 0 => (script.Record, made[which][(int)by % made[which].Count]),
                    _ => (script.Record, script.Next(final: by == 0, countersigned: by != 1)),
                };
                if (entry is not null)
                {
                    made[which].Add(entry);
                    if (!entry.Receipt.IsCountersigned) made[which].Add(entry with { Receipt = entry.Receipt.Countersign(script.Provider) });
                }

                string outcome = await TryAsync(memory, record, entry);
                Assert.Equal(outcome, await TryAsync(file, record, entry));
                if (outcome == "kept") script.Record = record;
            }

            Assert.Equal(await ExportAsync(memory), await ExportAsync(file));
            Assert.Equal(await LedgerVerifier.VerifyAsync(memory, cancellation), await LedgerVerifier.VerifyAsync(file, cancellation));
            Assert.Null((await LedgerVerifier.VerifyAsync(file, cancellation)).FirstFault);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> TryAsync(ILedgerStore store, SessionRecord record, ReceiptEntry? entry)
    {
        try
        {
            if (entry is null) await store.SaveSessionAsync(record, TestContext.Current.CancellationToken);
            else await store.SaveReceiptAsync(entry, record, TestContext.Current.CancellationToken);
            return "kept";
        }
        catch (LedgerException e)
        {
            return $"{e.Reason}: {e.Message}";
        }
    }

    private static async Task<string> ExportAsync(ILedgerStore store)
    {
        using var text = new MemoryStream();
        await LedgerExport.WriteAsync(store, text, LedgerExportContent.WithBlindings, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }
}
