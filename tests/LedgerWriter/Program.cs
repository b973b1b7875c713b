using System.Text;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.TestKit.Proofs;

// Writes sessions and receipts to a ledger and says on standard output what it was told is durable, a line at a time, until it is killed or a write fails:
//   session NUMBER            the session's record was acknowledged
//   receipt NUMBER LEG SEQUENCE   the receipt was acknowledged with both signatures
//   block SEQUENCE            a block of the own chain was acknowledged with what stands in it
//   peer NUMBER SEQUENCE      a block of another chain was acknowledged
//   refused REASON            a write failed; nothing is acknowledged from here on
//   still-refused REASON      so does the next
//   read COUNT                reading goes on: so many receipts
//   unopened REASON           the ledger could not be opened
// arguments: PATH FIRST-NUMBER SESSIONS RECEIPTS
(string path, int first, int sessions, int receipts) = (args[0], int.Parse(args[1]), int.Parse(args[2]), int.Parse(args[3]));
using Stream output = Console.OpenStandardOutput();
var saying = new Lock();
using var chain = new SemaphoreSlim(1, 1);

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
        // Legs of four, so that there is always something to seal.
        ReceiptEntry issued = script.Next(final: i % 4 == 3 || i == receipts - 1, countersigned: false);
        await store.SaveReceiptAsync(issued, script.Record, CancellationToken.None);
        await store.SaveReceiptAsync(issued with { Receipt = issued.Receipt.Countersign(script.Provider) }, script.Record, CancellationToken.None);
        Say($"receipt {number} {issued.Receipt.Body.Leg} {issued.Receipt.Body.Sequence}");
        if (!issued.Receipt.Body.Final) continue;
        await SealAsync();
        int seen = (int)issued.Receipt.Body.Leg;
        await store.SavePeerBlockAsync(ChainScript.Make(number + 1000, seen + 1)[seen], CancellationToken.None);
        Say($"peer {number + 1000} {seen}");
    }
}

async Task SealAsync()
{
    await chain.WaitAsync();
    try
    {
        IReadOnlyList<ReceiptEntry> waiting = await store.FindUnsealedAsync(100, CancellationToken.None);
        if (waiting.Count == 0) return;
        LedgerBlock? last = await store.FindLatestBlockAsync(CancellationToken.None);
        var author = new SeedSigner(1);
        LedgerBlock block = LedgerBlock.Seal(
            new LedgerBlockBody
            {
                Author = author.PublicKey,
                Sequence = last is null ? 0 : last.Body.Sequence + 1,
                PreviousBlockHash = last?.Hash ?? default,
                Epoch = 500_001,
                ReceiptsRoot = new MerkleTree([.. waiting.Select(entry => LedgerBlock.LeafHash(entry.Receipt))]).Root,
                ReceiptCount = (uint)waiting.Count,
                Heads = [],
                Time = 1_800_003_600,
            },
            author);
        await store.SaveBlockAsync(block, waiting, CancellationToken.None);
        Say($"block {block.Body.Sequence}");
    }
    finally
    {
        chain.Release();
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
