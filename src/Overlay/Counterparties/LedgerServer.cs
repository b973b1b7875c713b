using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport.Connections;

namespace Overlay.Counterparties;

/// <summary>Answers requests for blocks: of the own chain any, of others what is kept of them.</summary>
internal sealed class LedgerServer(PublicKey self, ILedgerStore store, ExchangeOptions options, TimeProvider time)
{
    /// <summary>Serves one stream of <see cref="LedgerProtocol"/>, up to its limit of requests.</summary>
    internal async Task HandleAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        try
        {
            for (int i = 0; i < options.MaxRequestsPerStream; i++)
            {
                byte[]? bytes = await SessionLink.WithinAsync(options.AnswerTimeout, time, token => stream.Input.ReadMessageAsync(LedgerRequest.MaxSize, token), cancellationToken)
                    .ConfigureAwait(false);
                if (bytes is null) break;
                LedgerRequest request = LedgerRequest.Decode(bytes) ?? throw new SessionException(SessionError.Malformed, "That is no request for blocks.");
                LedgerAnswer answer = await AnswerAsync(request, cancellationToken).ConfigureAwait(false);
                await stream.Output.WriteMessageAsync(answer.Encode(), cancellationToken).ConfigureAwait(false);
            }

            await stream.SendLastAsync(null, options.AnswerTimeout, time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or LedgerException)
        {
            stream.Abort(e.Message);
        }
        finally
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<LedgerAnswer> AnswerAsync(LedgerRequest request, CancellationToken cancellationToken)
    {
        ForkProof? fork = await store.FindForkProofAsync(request.Author, cancellationToken).ConfigureAwait(false);
        if (request.Author == self)
        {
            if (request.IsForNewest) return new LedgerAnswer(await store.FindLatestBlockAsync(cancellationToken).ConfigureAwait(false) is { } newest ? [newest] : [], fork);
            var own = new List<LedgerBlock>();
            await foreach (LedgerBlock block in store.ReadBlocksAsync(request.First, cancellationToken).ConfigureAwait(false))
            {
                if (block.Body.Sequence - request.First >= (ulong)request.Count) break;
                own.Add(block);
            }

            return new LedgerAnswer(own, fork);
        }

        IReadOnlyList<LedgerBlock> kept = await store.FindPeerBlocksAsync(request.Author, cancellationToken).ConfigureAwait(false);
        return new LedgerAnswer(
            request.IsForNewest ? [.. kept.TakeLast(1)] : [.. kept.Where(block => block.Body.Sequence >= request.First && block.Body.Sequence - request.First < (ulong)request.Count)],
            fork);
    }
}
