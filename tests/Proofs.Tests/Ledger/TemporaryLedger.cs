using Overlay.Proofs.Ledger;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Ledger;

/// <summary>A folder of a test's own, with a ledger in it once one is opened.</summary>
internal sealed class TemporaryLedger : IDisposable
{
    public TemporaryLedger() => Folder = Directory.CreateTempSubdirectory("overlay-ledger-").FullName;

    public string Folder { get; }

    public string File => Path.Combine(Folder, "ledger.db");

    public Task<SqliteLedgerStore> OpenAsync(int? maxPageCount = null) =>
        SqliteLedgerStore.OpenAsync(File, maxPageCount, TestContext.Current.CancellationToken);

    public Task<SqliteLedgerStore> OpenReadOnlyAsync() => SqliteLedgerStore.OpenReadOnlyAsync(File, TestContext.Current.CancellationToken);

    /// <summary>Fills a store with sessions in both roles, some with two legs, one that was never used and one that waits for a signature.</summary>
    public static async Task FillAsync(ILedgerStore store, int sessions = 4)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        for (int i = 0; i < sessions; i++)
        {
            var script = new SessionScript(i, i % 2 == 0 ? LedgerRole.Provider : LedgerRole.Consumer);
            await store.SaveSessionAsync(script.Record, cancellation);
            await store.SaveReceiptAsync(script.Next(), script.Record, cancellation);
            await store.SaveReceiptAsync(script.Next(final: true), script.Record, cancellation);
            ReceiptEntry last = script.Next(final: i % 2 == 0, countersigned: i != 1);
            await store.SaveReceiptAsync(last, script.Record with { Leg = 1, State = i % 2 == 0 ? SessionState.Closed : SessionState.Open }, cancellation);
        }

        await store.SaveSessionAsync(new SessionScript(1000, LedgerRole.Provider).Record, cancellation);
    }

    public static async Task<string> ExportAsync(ILedgerStore store, LedgerExportContent content = LedgerExportContent.WithoutBlindings)
    {
        using var text = new MemoryStream();
        await LedgerExport.WriteAsync(store, text, content, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
