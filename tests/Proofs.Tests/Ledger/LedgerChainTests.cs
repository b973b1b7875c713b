using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Ledger;

public sealed class LedgerChainTests
{
    private readonly BlockScript _script = new();

    [Fact]
    public void FindFault_ChainOfItsAuthor_None()
    {
        LedgerBlock[] chain = [_script.Next(), _script.Next(), _script.Next()];
        Assert.Null(LedgerChain.FindFault(null, chain));
        Assert.Null(LedgerChain.FindFault(chain[0].Head, chain[1..]));
        Assert.Null(LedgerChain.FindFault(chain[0].Head, []));
    }

    [Fact]
    public void FindFault_BlockMissingOrOfAnotherHistory_NamesIt()
    {
        LedgerBlock[] chain = [_script.Next(), _script.Next(), _script.Next()];
        Assert.Equal("block 1 of the run (sequence 2): sequence 1 is due", LedgerChain.FindFault(null, [chain[0], chain[2]]));
        Assert.Equal("block 0 of the run (sequence 2): sequence 1 is due", LedgerChain.FindFault(chain[0].Head, chain[2..]));
        Assert.Contains("the hash it names", LedgerChain.FindFault(chain[0].Head with { BlockHash = MerkleTree.EmptyRoot }, chain[1..]), StringComparison.Ordinal);
        Assert.Contains("its author is", LedgerChain.FindFault(new BlockScript(2).Next().Head, chain[1..]), StringComparison.Ordinal);
    }

    [Fact]
    public void ObjectToSuccessor_TimeOrEpochGoesBack_SaysSo()
    {
        LedgerBlock first = _script.Next();
        LedgerBlockBody due = _script.DueBody();
        Assert.Contains("its epoch is", LedgerChain.ObjectToSuccessor(first, LedgerBlock.Seal(due with { Epoch = due.Epoch - 1 }, _script.Author)), StringComparison.Ordinal);
        Assert.Contains("older", LedgerChain.ObjectToSuccessor(first, LedgerBlock.Seal(due with { Time = due.Time - 1 }, _script.Author)), StringComparison.Ordinal);
    }

    [Fact]
    public void Compare_AfterARestoredBackup_TheCounterpartysHeadIsAhead()
    {
        _script.Next();
        LedgerHead backup = _script.Next().Head;
        LedgerHead signedOver = _script.Next().Head;
        Assert.Equal(HeadComparison.Behind, LedgerChain.Compare(signedOver, backup));
        Assert.Equal(HeadComparison.Ahead, LedgerChain.Compare(backup, signedOver));
        Assert.Equal(HeadComparison.Equal, LedgerChain.Compare(backup, backup));
        Assert.Equal(HeadComparison.Fork, LedgerChain.Compare(backup, backup with { BlockHash = MerkleTree.EmptyRoot }));
        Assert.Throws<ArgumentException>(() => LedgerChain.Compare(backup, backup with { Author = new SeedSigner(2).PublicKey }));
    }
}
