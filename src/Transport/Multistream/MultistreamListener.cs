using System.Buffers;

namespace Overlay.Transport.Multistream;

/// <summary>The side that answers proposals (libp2p connections specification, "multistream-select"). Bytes in, bytes out; no I/O.</summary>
/// <remarks>Not safe on several threads.</remarks>
internal sealed class MultistreamListener
{
    // Header and one name, as nearly every negotiation has it.
    private const int ReplyCapacity = 80;

    private readonly Func<string, bool> _supports;
    private readonly Func<IEnumerable<string>> _list;
    private readonly MultistreamOptions _limits;
    private readonly MultistreamLineReader _lines = new();
    private bool _headerSeen;
    private int _proposalCount;
    private string? _accepted;
    private bool _over;

    /// <summary>Waits for a negotiation.</summary>
    /// <param name="supports">Whether a protocol is spoken here.</param>
    /// <param name="list">The protocols to name to a peer that asks with <c>ls</c>; those that a line has room for are named.</param>
    /// <param name="limits">Limits; the defaults when null.</param>
    internal MultistreamListener(Func<string, bool> supports, Func<IEnumerable<string>> list, MultistreamOptions? limits = null)
    {
        _supports = supports;
        _list = list;
        _limits = limits ?? new MultistreamOptions();
    }

    /// <summary>Bytes of negotiation sent so far. Final when the negotiation is over.</summary>
    internal int SentSize { get; private set; }

    /// <summary>Bytes of negotiation received so far. Final when the negotiation is over.</summary>
    internal int ReceivedSize { get; private set; }

    /// <summary>Takes what has arrived.</summary>
    /// <exception cref="InvalidOperationException">The negotiation is over.</exception>
    internal MultistreamProgress Feed(ReadOnlySpan<byte> input)
    {
        if (_over) throw new InvalidOperationException("The negotiation is over.");
        ArrayBufferWriter<byte>? reply = null;
        int consumed = 0;
        MultistreamViolation violation = MultistreamViolation.None;
        while (_accepted is null && violation == MultistreamViolation.None)
        {
            bool isLine = _lines.TryRead(input[consumed..], out int taken, out string line, out violation);
            consumed += taken;
            if (isLine) violation = Take(line, reply ??= new ArrayBufferWriter<byte>(ReplyCapacity));
            else break;
        }

        MultistreamStatus status = violation != MultistreamViolation.None ? MultistreamStatus.Violated
            : _accepted is not null ? MultistreamStatus.Accepted
            : MultistreamStatus.NeedMore;
        _over = status != MultistreamStatus.NeedMore;
        ReceivedSize += consumed;
        SentSize += reply?.WrittenCount ?? 0;
        return new MultistreamProgress(status, consumed, reply?.WrittenMemory ?? default, _accepted, violation);
    }

    private MultistreamViolation Take(string line, ArrayBufferWriter<byte> reply)
    {
        if (!_headerSeen)
        {
            if (line != MultistreamLine.Header) return MultistreamViolation.WrongHeader;
            _headerSeen = true;
            MultistreamLine.Write(reply, line);
            return MultistreamViolation.None;
        }

        if (++_proposalCount > _limits.MaxProposalCount) return MultistreamViolation.TooManyProposals;
        if (line == MultistreamLine.List)
        {
            WriteList(reply);
            return MultistreamViolation.None;
        }

        bool supported = MultistreamLine.IsProtocolName(line) && _supports(line);
        if (supported) _accepted = line;
        MultistreamLine.Write(reply, supported ? line : MultistreamLine.NotAvailable);
        return MultistreamViolation.None;
    }

    // One line whose text is the protocols' lines, one after the other.
    private void WriteList(ArrayBufferWriter<byte> reply)
    {
        var text = new ArrayBufferWriter<byte>(MultistreamLine.MaxSize);
        foreach (string protocol in _list())
        {
            byte[] line = MultistreamLine.Encode(protocol);
            if (text.WrittenCount + line.Length < MultistreamLine.MaxSize) text.Write(line);
        }

        MultistreamLine.Write(reply, text.WrittenSpan);
    }
}
