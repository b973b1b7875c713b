using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>Every failure that this room can report, in one list.</summary>
internal static class YamuxError
{
    /// <summary>The peer broke a rule of the protocol; the connection ends with GoAway 1.</summary>
    internal static ConnectionException Violation(string message) =>
        new(ConnectionError.ProtocolViolation, ConnectionStep.Connection, Fault.Peer, message);

    /// <summary>The peer made this side work or hold more than the options allow; the connection ends with GoAway 1.</summary>
    internal static ConnectionException Flood(string message) =>
        new(ConnectionError.LimitExceeded, ConnectionStep.Connection, Fault.Peer, message);

    internal static ConnectionException UnexpectedEnd(string message) =>
        new(ConnectionError.EndOfStream, ConnectionStep.Connection, Fault.Peer, message);

    internal static ConnectionException Lost(Exception cause) =>
        cause as ConnectionException ?? new(ConnectionError.ConnectionLost, ConnectionStep.Connection, Fault.Local, "The connection failed on this side.", cause);

    internal static ConnectionException KeepAliveTimeout(TimeSpan waited) =>
        new(ConnectionError.KeepAliveTimeout, ConnectionStep.Connection, Fault.Peer, $"The peer has not answered a ping for {waited.TotalSeconds:0.#} s.");

    internal static ConnectionException WriteStalled(TimeSpan waited) =>
        new(ConnectionError.Timeout, ConnectionStep.Connection, Fault.Network, $"Nothing could be sent for {waited.TotalSeconds:0.#} s.");

    internal static ConnectionException PeerReportedError(uint code) =>
        new(ConnectionError.GoAway, ConnectionStep.Connection, Fault.Peer, $"The peer ended the connection with GoAway {code} ({Describe(code)}).");

    internal static ConnectionException PeerGoesAway() =>
        new(ConnectionError.GoAway, ConnectionStep.OpenStream, Fault.Peer, "The peer takes no more streams.");

    internal static ConnectionException Closed(ConnectionStep step) =>
        new(ConnectionError.Closed, step, Fault.Local, "The connection was closed on this side.");

    internal static ConnectionException PeerClosed(ConnectionStep step) =>
        new(ConnectionError.ConnectionLost, step, Fault.Peer, "The peer has closed the connection.");

    internal static ConnectionException LimitReached(ConnectionStep step, string what, int limit) =>
        new(ConnectionError.LimitExceeded, step, Fault.Local, $"No more than {limit} {what} are allowed.");

    internal static ConnectionException StreamReset() =>
        new(ConnectionError.StreamReset, ConnectionStep.Stream, Fault.Peer, "The stream was reset by the peer.");

    internal static ConnectionException StreamAborted(string message, Exception? cause = null) =>
        new(ConnectionError.StreamAborted, ConnectionStep.Stream, Fault.Local, message, cause);

    internal static ConnectionException OpenTimeout(TimeSpan waited) =>
        new(ConnectionError.Timeout, ConnectionStep.OpenStream, Fault.Peer, $"The peer has not acknowledged the stream for {waited.TotalSeconds:0.#} s.");

    internal static ConnectionException WindowTooSmall(int size) =>
        new(ConnectionError.LimitExceeded, ConnectionStep.Stream, Fault.Caller, $"More is being waited for without consuming anything than the largest receive window ({size} bytes) allows.");

    /// <summary>A new exception of the same content, because one that several threads throw at once loses its stack trace.</summary>
    internal static ConnectionException Again(ConnectionException error) =>
        new(error.Reason, error.Step, error.Fault, error.Message, error) { Peer = error.Peer };

    private static string Describe(uint code) => (GoAwayCode)code switch
    {
        GoAwayCode.ProtocolError => "protocol error",
        GoAwayCode.InternalError => "internal error",
        _ => "unknown code",
    };

    /// <summary>The peer's unread bytes have used up what its connection may hold.</summary>
    internal static ConnectionException NoMemory(uint streamId) =>
        new(ConnectionError.LimitExceeded, ConnectionStep.Stream, Fault.Local, $"There is no memory left for what arrives unread on stream {streamId}: the budget of the connection, the peer, its address or the node is used up.");
}
