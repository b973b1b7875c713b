using Overlay.Transport.Connections;

namespace Overlay.Transport.Multistream;

/// <summary>Where a negotiation is after the last bytes.</summary>
internal enum MultistreamStatus
{
    /// <summary>More bytes are needed.</summary>
    NeedMore,

    /// <summary>A protocol was agreed on; what follows the consumed bytes is that protocol's.</summary>
    Accepted,

    /// <summary>The other side has none of the protocols proposed.</summary>
    Refused,

    /// <summary>The other side broke the rules; see the violation.</summary>
    Violated,
}

/// <summary>How the other side broke the rules.</summary>
internal enum MultistreamViolation
{
    None,

    /// <summary>A line's length is zero or not in its shortest form.</summary>
    BadLength,

    /// <summary>A line is longer than 1024 bytes.</summary>
    LineTooLong,

    /// <summary>A line does not end with a newline.</summary>
    NoNewline,

    /// <summary>A line is not UTF-8.</summary>
    NotText,

    /// <summary>The first line is not the header.</summary>
    WrongHeader,

    /// <summary>An answer is neither the protocol proposed nor <c>na</c>.</summary>
    UnexpectedAnswer,

    /// <summary>More proposals than the limit.</summary>
    TooManyProposals,
}

/// <summary>What came of the bytes fed to a negotiation.</summary>
/// <param name="Status">Where the negotiation is now.</param>
/// <param name="Consumed">How many of the bytes belonged to the negotiation; the caller keeps the rest.</param>
/// <param name="Reply">Bytes to send now; may be empty. Also after a refusal.</param>
/// <param name="Protocol">The protocol agreed on, when accepted.</param>
/// <param name="Violation">What was wrong, when violated.</param>
internal readonly record struct MultistreamProgress(
    MultistreamStatus Status, int Consumed, ReadOnlyMemory<byte> Reply, string? Protocol, MultistreamViolation Violation)
{
    /// <summary>The exception for a negotiation that failed at <paramref name="step"/>: the one place where its failures get their names.</summary>
    internal ConnectionException ToException(ConnectionStep step) => Status switch
    {
        MultistreamStatus.Refused =>
            new(ConnectionError.ProtocolNotSupported, step, Fault.Peer, "The peer speaks none of the protocols proposed."),
        MultistreamStatus.Violated when Violation == MultistreamViolation.TooManyProposals =>
            new(ConnectionError.LimitExceeded, step, Fault.Peer, "The peer proposed too many protocols in one negotiation."),
        MultistreamStatus.Violated =>
            new(ConnectionError.ProtocolViolation, step, Fault.Peer, $"The peer broke multistream-select: {Describe(Violation)}."),
        _ => throw new InvalidOperationException("The negotiation has not failed."),
    };

    private static string Describe(MultistreamViolation violation) => violation switch
    {
        MultistreamViolation.BadLength => "the length of a line is zero or not in its shortest form",
        MultistreamViolation.LineTooLong => "a line is longer than 1024 bytes",
        MultistreamViolation.NoNewline => "a line does not end with a newline",
        MultistreamViolation.NotText => "a line is not UTF-8",
        MultistreamViolation.WrongHeader => "its first line is not the header of version 1.0.0",
        _ => "its answer is neither the protocol proposed nor 'na'",
    };
}
