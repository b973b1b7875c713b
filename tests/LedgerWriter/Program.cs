using System.Text;
using Overlay.Proofs.Ledger;
using Overlay.TestKit.Proofs;

// Writes sessions and receipts to a ledger and says on standard output what it was told is durable, a line at a time, until it is killed or a write fails:
//   session NUMBER            the session's record was acknowledged
//   receipt NUMBER SEQUENCE   the receipt was acknowledged with both signatures
//   refused REASON            a write failed; nothing is acknowledged from here on
//   still-refused REASON      so does the next
//   read COUNT                reading goes on: so many receipts
//   unopened REASON           the ledger could not be opened
// arguments: PATH FIRST-NUMBER SESSIONS RECEIPTS
(string path, int first, int sessions, int receipts) = (args[0], int.Parse(args[1]), int.Parse(args[2]), int.Parse(args[3]));
using Stream output = Console.OpenStandardOutput();
var saying = new Lock();

SqliteLedgerStore store;
try
{
    store = await SqliteLedgerStore.OpenAsync(path, CancellationToken.None);
}
catch (LedgerException e)
{
    Say($"unopened {e.Reason}");
    return 4;
}

await using (store)
{
    try
    {
        await Task.WhenAll(Enumerable.Range(first, sessions).Select(number => Task.Run(() => WriteAsync(number))));
        Say("done");
        return 0;
    }
    catch (LedgerException e)
    {
        Say($"refused {e.Reason}");
    }

    try
    {
        await store.SaveSessionAsync(new SessionScript(first + sessions, LedgerRole.Consumer).Record, CancellationToken.None);
        Say("taken");
    }
    catch (LedgerException e)
    {
        Say($"still-refused {e.Reason}");
    }

    int count = 0;
    await foreach (ReceiptEntry _ in store.ReadReceiptsAsync(null, CancellationToken.None)) count++;
    Say($"read {count}");
    return 3;
}

// As a consumer: each receipt is stored before it is sent, and again with the provider's signature.
async Task WriteAsync(int number)
{
    var script = new SessionScript(number, LedgerRole.Consumer);
    await store.SaveSessionAsync(script.Record, CancellationToken.None);
    Say($"session {number}");
    for (int i = 0; i < receipts; i++)
    {
        ReceiptEntry issued = script.Next(final: i == receipts - 1, countersigned: false);
        await store.SaveReceiptAsync(issued, script.Record, CancellationToken.None);
        await store.SaveReceiptAsync(issued with { Receipt = issued.Receipt.Countersign(script.Provider) }, script.Record, CancellationToken.None);
        Say($"receipt {number} {issued.Receipt.Body.Sequence}");
    }
}

// One write for each line, so that a line is there whole or not at all.
void Say(string line)
{
    lock (saying)
    {
        output.Write(Encoding.ASCII.GetBytes(line + "\n"));
        output.Flush();
    }
}
