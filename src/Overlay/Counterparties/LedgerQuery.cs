using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport.Connections;

namespace Overlay.Counterparties;

/// <summary>Asks a peer for blocks, one request after another on one stream. Not safe on several threads.</summary>
internal sealed class LedgerQuery(PeerStream stream, ExchangeOptions options, TimeProvider time) : IChainSource
{
    private int _asked;

    public int Left => options.MaxRequestsPerStream - _asked;

    public async ValueTask<LedgerAnswer> AskAsync(LedgerRequest request, CancellationToken cancellationToken)
    {
        // The other side's limit: it would end the stream.
        if (Left == 0) throw new SessionException(SessionError.Capacity, "The exchange needs more requests than a stream takes.");
        _asked++;
        await stream.Output.WriteMessageAsync(request.Encode(), cancellationToken).ConfigureAwait(false);
        byte[] answer = await SessionLink.WithinAsync(options.AnswerTimeout, time, token => stream.Input.ReadMessageAsync(MessagePipes.MaxSize, token), cancellationToken)
            .ConfigureAwait(false) ?? throw new SessionException(SessionError.ConnectionLost, "The other side ended the stream without an answer.");
        return LedgerAnswer.Decode(answer, request) ?? throw new SessionException(SessionError.Malformed, "The other side's answer is not one to the request.");
    }
}
