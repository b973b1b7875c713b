using Overlay.Transport.Identity;

namespace Overlay.Transport.Connections;

/// <summary>A connection or stream failed. Says what went wrong, at which step, and whose fault it was.</summary>
public sealed class ConnectionException : IOException
{
    internal ConnectionException(ConnectionError reason, ConnectionStep step, Fault fault, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Reason = reason;
        Step = step;
        Fault = fault;
    }

    /// <summary>What went wrong.</summary>
    public ConnectionError Reason { get; }

    /// <summary>The step that failed.</summary>
    public ConnectionStep Step { get; }

    /// <summary>Whose fault it was.</summary>
    public Fault Fault { get; }

    /// <summary>The peer concerned, when its name is known (by claim or by proof).</summary>
    public PeerId? Peer { get; init; }

    /// <summary>For a budget of this node that was used up (<see cref="ConnectionError.LimitExceeded"/>), the option that sets it, such as
    /// <c>Resources.Peer.MaxStreamCount</c>; otherwise null.</summary>
    public string? Limit { get; init; }
}

/// <summary>What went wrong on a connection or stream.</summary>
public enum ConnectionError
{
    /// <summary>Nobody answered at the address, or the network refused.</summary>
    Unreachable = 1,

    /// <summary>No transport of this node can use the address.</summary>
    UnsupportedAddress,

    /// <summary>A step took longer than its deadline.</summary>
    Timeout,

    /// <summary>The other side ended the connection in the middle of a step.</summary>
    EndOfStream,

    /// <summary>The connection was reset or broke.</summary>
    ConnectionLost,

    /// <summary>The other side speaks none of the protocols offered.</summary>
    ProtocolNotSupported,

    /// <summary>Bytes that the protocol does not allow.</summary>
    ProtocolViolation,

    /// <summary>Data that failed authentication.</summary>
    AuthenticationFailed,

    /// <summary>The other side proved another identity than the one expected.</summary>
    WrongPeer,

    /// <summary>A limit of this node's options was reached.</summary>
    LimitExceeded,

    /// <summary>The stream was reset by the other side.</summary>
    StreamReset,

    /// <summary>The stream was aborted on this side.</summary>
    StreamAborted,

    /// <summary>The other side announced that it goes away and takes no more streams.</summary>
    GoAway,

    /// <summary>The connection or node was closed on this side.</summary>
    Closed,

    /// <summary>The other side no longer answers keep-alives.</summary>
    KeepAliveTimeout,

    /// <summary>The address to listen on is taken or is not this host's.</summary>
    AddressUnavailable,
}

/// <summary>The step of a connection's or stream's life in which something happened.</summary>
public enum ConnectionStep
{
    /// <summary>Resolving names in an address.</summary>
    Resolve = 1,

    /// <summary>Opening the underlying transport connection.</summary>
    Dial,

    /// <summary>Listening for or accepting transport connections.</summary>
    Listen,

    /// <summary>Agreeing on the security protocol with multistream-select.</summary>
    NegotiateSecurity,

    /// <summary>The Noise handshake.</summary>
    SecurityHandshake,

    /// <summary>Agreeing on the muxer, where the handshake did not.</summary>
    NegotiateMuxer,

    /// <summary>Use of the established connection.</summary>
    Connection,

    /// <summary>Opening a stream.</summary>
    OpenStream,

    /// <summary>Agreeing on a stream's protocol with multistream-select.</summary>
    NegotiateProtocol,

    /// <summary>Use of an open stream.</summary>
    Stream,
}

/// <summary>Whose fault a failure is.</summary>
public enum Fault
{
    /// <summary>The caller asked for what cannot be.</summary>
    Caller = 1,

    /// <summary>The other peer broke a rule or failed.</summary>
    Peer,

    /// <summary>The network between.</summary>
    Network,

    /// <summary>This node: its limits, its shutdown.</summary>
    Local,
}
