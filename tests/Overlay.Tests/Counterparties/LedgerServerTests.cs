using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;
using Overlay.Counterparties;
using Overlay.Proofs.Ledger;
using Overlay.Sessions.Messages;
using Overlay.TestKit.InMemoryPeers;
using Overlay.TestKit.Proofs;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Counterparties;

public sealed class LedgerServerTests : IAsyncDisposable
{
    private readonly InMemoryLedgerStore _store = new();
    private readonly FakeTimeProvider _time = new();
    private readonly SeedSigner _self = new(1);
    private readonly InMemoryConnection _asking, _serving;

    public LedgerServerTests()
    {
        (_asking, _serving) = InMemoryConnection.Create(PeerIdentity.Generate(), PeerIdentity.Generate());
        _serving.Handle(LedgerProtocol.Name, new LedgerServer(_self.PublicKey, _store, new ExchangeOptions { MaxRequestsPerStream = 3 }, _time).HandleAsync);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _asking.DisposeAsync();
        await _serving.DisposeAsync();
        await _serving.WhenHandledAsync();
    }

    [Fact]
    public async Task Handle_RequestsOfAllKinds_AnswersWithWhatIsKept()
    {
        List<LedgerBlock> own = ChainScript.Make(1, 5), other = ChainScript.Make(2, 12);
        Assert.True(ForkProof.TryCreate(other[3], ChainScript.Make(2, 4, salt: 1)[3], out ForkProof? fork));
        await _store.AdoptBlocksAsync(own, Token);
        foreach (LedgerBlock block in other) await _store.SavePeerBlockAsync(block, Token);
        await _store.SaveForkProofAsync(fork, Token);

        Assert.Equal([4], await AskAsync(LedgerRequest.Newest(_self.PublicKey)));
        Assert.Equal([1, 2, 3], await AskAsync(new LedgerRequest(_self.PublicKey, 1, 3)));
        Assert.Equal([3, 4], await AskAsync(new LedgerRequest(_self.PublicKey, 3, 64)));
        Assert.Empty(await AskAsync(new LedgerRequest(_self.PublicKey, 5, 64)));
        Assert.Equal([11], await AskAsync(LedgerRequest.Newest(other[0].Body.Author)));
        Assert.Equal([4, 5], await AskAsync(new LedgerRequest(other[0].Body.Author, 0, 6)));
        Assert.Empty(await AskAsync(LedgerRequest.Newest(new SeedSigner(3).PublicKey)));
        Assert.Empty(await AskAsync(new LedgerRequest(new SeedSigner(3).PublicKey, long.MaxValue, 64)));
    }

    [Fact]
    public async Task Handle_NoRequest_EndsTheStreamAndNothingElse()
    {
        foreach (byte[] bad in (byte[][])[[], [0xC0], new byte[64], [.. LedgerRequest.Newest(_self.PublicKey).Encode(), 0]])
        {
            await using PeerStream stream = await _asking.OpenStreamAsync(LedgerProtocol.Name, Token);
            await stream.Output.WriteMessageAsync(bad, Token);
            await Assert.ThrowsAsync<ConnectionException>(async () => await stream.Input.ReadMessageAsync(MessagePipes.MaxSize, Token));
        }

        Assert.Empty(await AskAsync(LedgerRequest.Newest(_self.PublicKey)));
    }

    [Fact]
    public async Task Handle_MoreRequestsThanAStreamTakes_TheStreamEndsInGoodOrder()
    {
        await using PeerStream stream = await _asking.OpenStreamAsync(LedgerProtocol.Name, Token);
        for (int i = 0; i < 3; i++)
        {
            await stream.Output.WriteMessageAsync(LedgerRequest.Newest(_self.PublicKey).Encode(), Token);
            Assert.NotNull(await stream.Input.ReadMessageAsync(MessagePipes.MaxSize, Token));
        }

        ReadResult end = await stream.Input.ReadAsync(Token);
        Assert.True(end.IsCompleted && end.Buffer.IsEmpty);
    }

    [Fact]
    public async Task Handle_SilentPeer_IsWaitedForOnlySoLong()
    {
        await using PeerStream stream = await _asking.OpenStreamAsync(LedgerProtocol.Name, Token);
        ValueTask<ReadResult> read = stream.Input.ReadAsync(Token);
        while (!read.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await Assert.ThrowsAsync<ConnectionException>(async () => await read);
    }

    private async Task<List<int>> AskAsync(LedgerRequest request)
    {
        await using PeerStream stream = await _asking.OpenStreamAsync(LedgerProtocol.Name, Token);
        LedgerAnswer answer = await new LedgerQuery(stream, new ExchangeOptions(), _time).AskAsync(request, Token);
        await stream.Output.CompleteAsync();
        Assert.Equal(request.Author == new SeedSigner(2).PublicKey, answer.Fork is not null);
        return [.. answer.Blocks.Select(block => (int)block.Body.Sequence)];
    }
}
