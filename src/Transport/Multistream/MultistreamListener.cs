using System.Buffers;
using System.Text;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Multistream;

/// <summary>The listening side of a negotiation. No I/O: received bytes go in, replies come out.</summary>
/// <param name="isSupported">Whether this side speaks a protocol.</param>
/// <param name="names">All protocols, for a peer that asks with <c>ls</c>.</param>
/// <param name="options">Limits.</param>
internal sealed class MultistreamListener(Func<string, bool> isSupported, Func<IReadOnlyList<string>> names, MultistreamOptions options)
{
    /// <summary>Most bytes that <see cref="Receive"/> needs to see at once.</summary>
    internal const int MaxPendingSize = MultistreamLine.MaxFramedSize;

    private bool _headerSeen;
    private int _proposals;

    /// <summary>Takes what the peer has sent, in pieces as they come.</summary>
    /// <param name="input">Received bytes that were not consumed before; of a long input the first <see cref="MaxPendingSize"/> are enough.</param>
    /// <param name="step">For the words of a failure.</param>
    /// <param name="reply">Receives what must be sent back.</param>
    /// <param name="consumed">How many belong to the negotiation; after an acceptance the rest is the protocol's own.</param>
    /// <returns>The protocol agreed on, or null while there is none.</returns>
    /// <exception cref="ConnectionException">The peer broke the format or proposed too often.</exception>
    internal string? Receive(ReadOnlySpan<byte> input, ConnectionStep step, IBufferWriter<byte> reply, out int consumed)
    {
        consumed = 0;
        while (MultistreamLine.TryRead(input[consumed..], step, out string text, out int size))
        {
            consumed += size;
            if (!_headerSeen)
            {
                if (text != MultistreamLine.Header) throw MultistreamLine.Violation(step, "The peer does not speak multistream-select.");
                _headerSeen = true;
                MultistreamLine.Write(reply, MultistreamLine.Header);
                continue;
            }

            if (++_proposals > options.MaxProposalCount)
                throw new ConnectionException(ConnectionError.LimitExceeded, step, Fault.Peer, $"The peer proposed more than {options.MaxProposalCount} protocols.");
            if (text == MultistreamLine.List)
            {
                WriteList(reply);
                continue;
            }

            if (isSupported(text))
            {
                MultistreamLine.Write(reply, text);
                return text;
            }

            MultistreamLine.Write(reply, MultistreamLine.NotAvailable);
        }

        return null;
    }

    /// <summary>One line whose text is itself lines, one for each protocol, as go-multistream writes it. What does not fit into a line is left out.</summary>
    private void WriteList(IBufferWriter<byte> reply)
    {
        var text = new ArrayBufferWriter<byte>(256);
        foreach (string name in names())
        {
            int size = Encoding.UTF8.GetByteCount(name) + 1;
            if (text.WrittenCount + size + Varint.Size((ulong)size) >= MultistreamLine.MaxSize) break;
            MultistreamLine.Write(text, name);
        }

        MultistreamLine.Write(reply, text.WrittenSpan);
    }
}
