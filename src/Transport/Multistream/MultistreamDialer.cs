using System.Buffers;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Multistream;

/// <summary>The dialling side of a negotiation for one protocol, lazily: the proposal and the data behind it are sent before any answer. No I/O.</summary>
/// <remarks>An acceptance repeats the proposal to the byte, so both sides know the negotiation's size before the answer comes.</remarks>
internal sealed class MultistreamDialer
{
    /// <summary>Most bytes that <see cref="Receive"/> needs to see at once.</summary>
    internal const int MaxAnswerSize = MultistreamLine.MaxFramedSize;

    private readonly string _protocol;
    private bool _headerSeen;

    internal MultistreamDialer(string protocol)
    {
        MultistreamLine.ThrowIfNotProtocol(protocol);
        _protocol = protocol;
        var proposal = new ArrayBufferWriter<byte>(64);
        MultistreamLine.Write(proposal, MultistreamLine.Header);
        MultistreamLine.Write(proposal, protocol);
        Proposal = proposal.WrittenMemory;
    }

    /// <summary>What to send first: header and proposal.</summary>
    internal ReadOnlyMemory<byte> Proposal { get; }

    /// <summary>Takes the answer, in pieces as they come.</summary>
    /// <param name="input">Received bytes that were not consumed before; of a long input the first <see cref="MaxAnswerSize"/> are enough.</param>
    /// <param name="step">For the words of a failure.</param>
    /// <param name="consumed">How many belong to the answer; what follows is the protocol's own.</param>
    /// <returns>True once the protocol is agreed on.</returns>
    /// <exception cref="ConnectionException">The peer does not speak it (<see cref="ConnectionError.ProtocolNotSupported"/>), or broke the format.</exception>
    internal bool Receive(ReadOnlySpan<byte> input, ConnectionStep step, out int consumed)
    {
        consumed = 0;
        while (MultistreamLine.TryRead(input[consumed..], step, out string text, out int size))
        {
            consumed += size;
            if (!_headerSeen)
            {
                if (text != MultistreamLine.Header) throw MultistreamLine.Violation(step, "The peer does not speak multistream-select.");
                _headerSeen = true;
                continue;
            }

            if (text == _protocol) return true;
            if (text == MultistreamLine.NotAvailable)
                throw new ConnectionException(ConnectionError.ProtocolNotSupported, step, Fault.Peer, $"The peer does not speak {_protocol}.");
            throw MultistreamLine.Violation(step, $"The peer answered neither {_protocol} nor '{MultistreamLine.NotAvailable}'.");
        }

        return false;
    }
}
