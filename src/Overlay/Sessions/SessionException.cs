namespace Overlay.Sessions;

/// <summary>A session could not be opened, or ended. Says why and which side said so.</summary>
internal sealed class SessionException : IOException
{
    internal SessionException(SessionError reason, string message, Exception? innerException = null)
        : base(message, innerException) => Reason = reason;

    internal SessionError Reason { get; }

    /// <summary>Whether it is the other side that says so: a refusal, or its reason for ending the session.</summary>
    internal bool IsTold { get; init; }
}

/// <summary>Why a session was refused or ended. The numbers are those of <c>Refuse</c> and <c>Close</c> on the wire.</summary>
internal enum SessionError
{
    /// <summary>Ended in good order.</summary>
    None = 0,

    /// <summary>Bytes that are no message, or a message that the state does not allow.</summary>
    Malformed = 1,

    /// <summary>A signature does not hold.</summary>
    BadSignature = 2,

    /// <summary>The key in the message is not the one that the connection proved.</summary>
    WrongKey = 3,

    /// <summary>The offer is not this provider's or has run out.</summary>
    StaleOffer = 4,

    /// <summary>The terms are not those wished for, or a receipt names other terms than the offer.</summary>
    WrongTerms = 5,

    /// <summary>A receipt for another session, or a session that does not live on this connection.</summary>
    WrongSession = 6,

    /// <summary>A receipt out of order: leg, sequence, predecessor or total do not follow.</summary>
    OutOfOrder = 7,

    /// <summary>A receipt states other amounts than this side has counted, or its commitment does not open.</summary>
    WrongAmount = 8,

    /// <summary>More arrived unpaid than the credit window tolerates.</summary>
    CreditExceeded = 9,

    /// <summary>Receipts come faster than they are worth.</summary>
    TooManyReceipts = 10,

    /// <summary>A limit on sessions or connects is reached.</summary>
    Capacity = 11,

    /// <summary>An earlier session is unpaid.</summary>
    Debt = 12,

    /// <summary>The clocks are too far apart.</summary>
    Clock = 13,

    /// <summary>The other side owed a message and did not send it.</summary>
    Timeout = 14,

    /// <summary>The node is going away.</summary>
    ShuttingDown = 15,

    /// <summary>The ledger cannot be written.</summary>
    Ledger = 16,

    /// <summary>The connection or the session's stream broke. Never on the wire.</summary>
    ConnectionLost = 17,

    /// <summary>The last receipt leaves bytes unpaid.</summary>
    Unpaid = 18,

    /// <summary>A receipt's commitment is not of the session's form: it shows a total that it must hide.</summary>
    WrongCommitment = 19,

    /// <summary>There is a proof that the other side's ledger has forked.</summary>
    Forked = 20,

    /// <summary>The provider's owner does not serve this consumer.</summary>
    Blocked = 22,
}
