namespace Overlay.Transport.Multistream;

/// <summary>The side that proposes (libp2p connections specification, "multistream-select"). Bytes in, bytes out; no I/O.</summary>
/// <remarks>
/// Lazy: send <see cref="Proposal"/> with the first data, or alone, then feed what arrives. With several protocols no data may follow before one is accepted.
/// Not safe on several threads.
/// </remarks>
internal sealed class MultistreamDialer
{
    private readonly string[] _protocols;
    private readonly MultistreamLineReader _lines = new();
    private int _proposed;
    private bool _headerSeen;
    private bool _over;

    /// <summary>Begins a negotiation.</summary>
    /// <param name="protocols">The protocols to propose, the best first; at least one, each with a name that fits into a line.</param>
    internal MultistreamDialer(params IReadOnlyList<string> protocols)
    {
        if (protocols.Count == 0) throw new ArgumentException("At least one protocol must be proposed.", nameof(protocols));
        foreach (string protocol in protocols)
            if (!MultistreamLine.IsProtocolName(protocol)) throw new ArgumentException($"'{protocol}' cannot be the name of a protocol.", nameof(protocols));
        _protocols = [.. protocols];
        Proposal = MultistreamLine.Encode(MultistreamLine.Header, _protocols[0]);
        SentSize = Proposal.Length;
    }

    /// <summary>Header and first proposal: the first bytes to send. A listener that accepts it answers with these very bytes.</summary>
    internal ReadOnlyMemory<byte> Proposal { get; }

    /// <summary>Bytes of negotiation sent so far, <see cref="Proposal"/> and all replies counted. Final when the negotiation is over.</summary>
    internal int SentSize { get; private set; }

    /// <summary>Bytes of negotiation received so far. Final when the negotiation is over.</summary>
    internal int ReceivedSize { get; private set; }

    /// <summary>Takes what has arrived.</summary>
    /// <exception cref="InvalidOperationException">The negotiation is over.</exception>
    internal MultistreamProgress Feed(ReadOnlySpan<byte> input)
    {
        if (_over) throw new InvalidOperationException("The negotiation is over.");
        byte[] reply = [];
        int consumed = 0;
        MultistreamStatus status = MultistreamStatus.NeedMore;
        MultistreamViolation violation = MultistreamViolation.None;
        while (status == MultistreamStatus.NeedMore && violation == MultistreamViolation.None)
        {
            bool isLine = _lines.TryRead(input[consumed..], out int taken, out string line, out violation);
            consumed += taken;
            if (isLine) (status, violation) = Take(line, ref reply);
            else break;
        }

        if (violation != MultistreamViolation.None) status = MultistreamStatus.Violated;
        _over = status != MultistreamStatus.NeedMore;
        ReceivedSize += consumed;
        SentSize += reply.Length;
        return new MultistreamProgress(status, consumed, reply, status == MultistreamStatus.Accepted ? _protocols[_proposed] : null, violation);
    }

    private (MultistreamStatus Status, MultistreamViolation Violation) Take(string line, ref byte[] reply)
    {
        if (!_headerSeen)
        {
            _headerSeen = line == MultistreamLine.Header;
            return (MultistreamStatus.NeedMore, _headerSeen ? MultistreamViolation.None : MultistreamViolation.WrongHeader);
        }

        if (line == _protocols[_proposed]) return (MultistreamStatus.Accepted, MultistreamViolation.None);
        if (line != MultistreamLine.NotAvailable) return (MultistreamStatus.Violated, MultistreamViolation.UnexpectedAnswer);
        if (_proposed + 1 == _protocols.Length) return (MultistreamStatus.Refused, MultistreamViolation.None);
        // At most as often as this side has protocols to propose, whatever the peer sends.
        reply = [.. reply, .. MultistreamLine.Encode(_protocols[++_proposed])];
        return (MultistreamStatus.NeedMore, MultistreamViolation.None);
    }
}
