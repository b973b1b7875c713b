using System.Buffers;
using System.IO.Pipelines;
using Overlay.Transport.Connections;
using Overlay.Transport.Multistream;

namespace Overlay.Transport;

/// <summary>The answer to a stream's proposed protocol: awaited once, by whichever of reader and writer needs it first.</summary>
/// <remarks>Safe on several threads. A refusal, a broken answer or a missed deadline resets the stream.</remarks>
internal sealed class OutboundNegotiation(MuxedStream stream, MultistreamDialer dialer, TimeSpan timeout, TimeProvider time)
{
    private readonly Lock _lock = new();
    private Task? _answer;
    private volatile bool _isAgreed;

    /// <summary>Whether the peer has accepted; what arrives is then the protocol's own.</summary>
    internal bool IsAgreed => _isAgreed;

    /// <summary>Waits for the acceptance. Owns the stream's input until then.</summary>
    /// <exception cref="ConnectionException">The peer does not speak the protocol, broke the format, kept silent, or the stream is over.</exception>
    internal Task AwaitAnswerAsync()
    {
        if (_isAgreed) return Task.CompletedTask;
        lock (_lock) return _answer ??= ReceiveAnswerAsync();
    }

    private async Task ReceiveAnswerAsync()
    {
        using var deadline = new Deadline(timeout, time, CancellationToken.None);
        try
        {
            while (!_isAgreed)
            {
                ReadResult result = await stream.Input.ReadAsync(deadline.Token).ConfigureAwait(false);
                Take(result.Buffer);
                if (!_isAgreed && result.IsCompleted)
                    throw new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.NegotiateProtocol, Fault.Peer, "The peer ended the stream without answering the proposed protocol.");
            }
        }
        catch (OperationCanceledException e)
        {
            ConnectionException late = deadline.Expired(ConnectionStep.NegotiateProtocol, "agreeing on the stream's protocol", e);
            stream.Abort(late);
            throw late;
        }
        catch (ConnectionException e)
        {
            stream.Abort(e);
            throw;
        }
    }

    private void Take(ReadOnlySequence<byte> buffer)
    {
        MultistreamProgress progress = default;
        long consumed = 0;
        foreach (ReadOnlyMemory<byte> piece in buffer)
        {
            progress = dialer.Feed(piece.Span);
            consumed += progress.Consumed;
            if (progress.Status != MultistreamStatus.NeedMore) break;
        }

        stream.Input.AdvanceTo(buffer.GetPosition(consumed));
        if (progress.Status is MultistreamStatus.Refused or MultistreamStatus.Violated) throw progress.ToException(ConnectionStep.NegotiateProtocol);
        _isAgreed = progress.Status == MultistreamStatus.Accepted;
    }
}
