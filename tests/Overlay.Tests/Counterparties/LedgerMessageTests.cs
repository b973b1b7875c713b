using Overlay.Counterparties;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions.Messages;
using Overlay.TestKit.Proofs;

namespace Overlay.Tests.Counterparties;

public class LedgerMessageTests
{
    private static readonly PublicKey s_author = new SeedSigner(1).PublicKey;

    [Fact]
    public void Request_OfEitherKind_DecodesToItself()
    {
        foreach (LedgerRequest request in (LedgerRequest[])[LedgerRequest.Newest(s_author), new(s_author, 0, 1), new(s_author, long.MaxValue, 64)])
        {
            Assert.True(request.Encode().Length <= LedgerRequest.MaxSize);
            Assert.Equal(request, LedgerRequest.Decode(request.Encode()));
        }
    }

    [Fact]
    public void Request_OutOfItsRanges_IsNone()
    {
        Assert.Null(LedgerRequest.Decode(new LedgerRequest(s_author, 0, 65).Encode()));
        Assert.Null(LedgerRequest.Decode(new LedgerRequest(s_author, 1, 0).Encode()));
        Assert.Null(LedgerRequest.Decode(new LedgerRequest(s_author, 1UL << 63, 1).Encode()));
        byte[] encoded = LedgerRequest.Newest(s_author).Encode();
        Assert.Null(LedgerRequest.Decode(encoded.AsSpan()[..^1]));
        Assert.Null(LedgerRequest.Decode([.. encoded, 0]));
        Assert.Null(LedgerRequest.Decode([]));
    }

    [Fact]
    public void Answer_WithBlocksAndProof_DecodesToItself()
    {
        List<LedgerBlock> chain = ChainScript.Make(1, 5);
        Assert.True(ForkProof.TryCreate(chain[2], ChainScript.Make(1, 3, salt: 1)[2], out ForkProof? fork));
        var request = new LedgerRequest(s_author, 1, 4);
        LedgerAnswer? answer = LedgerAnswer.Decode(new LedgerAnswer(chain[1..], fork).Encode(), request);
        Assert.NotNull(answer);
        Assert.Equal(chain[1..].Select(block => block.Hash), answer.Blocks.Select(block => block.Hash));
        Assert.Equal(fork.Encode(), answer.Fork!.Encode());
        Assert.Empty(LedgerAnswer.Decode(LedgerAnswer.Empty.Encode(), LedgerRequest.Newest(s_author))!.Blocks);
    }

    [Fact]
    public void Answer_AnyByteChanged_IsNone()
    {
        List<LedgerBlock> chain = ChainScript.Make(1, 1);
        Assert.True(ForkProof.TryCreate(chain[0], ChainScript.Make(1, 1, salt: 1)[0], out ForkProof? fork));
        byte[] encoded = new LedgerAnswer(chain, fork).Encode();
        for (int i = 0; i < encoded.Length; i++)
        {
            byte[] changed = [.. encoded];
            changed[i] ^= 1;
            Assert.Null(LedgerAnswer.Decode(changed, LedgerRequest.Newest(s_author)));
        }
    }

    [Fact]
    public void Answer_ThatWasNotAskedFor_IsNone()
    {
        List<LedgerBlock> chain = ChainScript.Make(1, 5), others = ChainScript.Make(2, 1);
        Assert.True(ForkProof.TryCreate(others[0], ChainScript.Make(2, 1, salt: 1)[0], out ForkProof? otherFork));
        var request = new LedgerRequest(s_author, 1, 2);
        Assert.NotNull(LedgerAnswer.Decode(new LedgerAnswer(chain[1..3], null).Encode(), request));
        Assert.Null(LedgerAnswer.Decode(new LedgerAnswer(chain[0..2], null).Encode(), request)); // below
        Assert.Null(LedgerAnswer.Decode(new LedgerAnswer(chain[2..4], null).Encode(), request)); // above
        Assert.Null(LedgerAnswer.Decode(new LedgerAnswer([chain[2], chain[1]], null).Encode(), request)); // out of order
        Assert.Null(LedgerAnswer.Decode(new LedgerAnswer([chain[1], chain[1]], null).Encode(), request)); // twice
        Assert.Null(LedgerAnswer.Decode(new LedgerAnswer(chain[1..4], null).Encode(), request)); // more
        Assert.Null(LedgerAnswer.Decode(new LedgerAnswer(others, null).Encode(), LedgerRequest.Newest(s_author))); // another's
        Assert.Null(LedgerAnswer.Decode(new LedgerAnswer(chain[..2], null).Encode(), LedgerRequest.Newest(s_author))); // two newest
        Assert.Null(LedgerAnswer.Decode(new LedgerAnswer([], otherFork).Encode(), LedgerRequest.Newest(s_author))); // another's fork
    }

    [Fact]
    public void Answer_WithMoreThanFits_IsCutAndOneMessage()
    {
        LedgerHead[] heads = [.. Enumerable.Range(100, 64).Select(i => ChainScript.Make(i, 1)[0].Head)];
        List<LedgerBlock> chain = ChainScript.Make(1, 64, heads: heads);
        Assert.True(ForkProof.TryCreate(chain[0], ChainScript.Make(1, 1, salt: 1, heads: heads)[0], out ForkProof? fork));
        byte[] encoded = new LedgerAnswer(chain, fork).Encode();
        Assert.True(encoded.Length <= MessagePipes.MaxSize);
        LedgerAnswer answer = LedgerAnswer.Decode(encoded, new LedgerRequest(s_author, 0, 64))!;
        Assert.InRange(answer.Blocks.Count, 2, 63);
        Assert.Equal(chain.Take(answer.Blocks.Count).Select(block => block.Hash), answer.Blocks.Select(block => block.Hash));
    }
}
