using System.Net.Sockets;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Tcp;

/// <summary>The one place where a socket's error becomes a <see cref="ConnectionException"/>.</summary>
internal static class TcpErrors
{
    internal static ConnectionException Dial(SocketException error, string address) => error.SocketErrorCode switch
    {
        SocketError.AddressFamilyNotSupported or SocketError.ProtocolFamilyNotSupported or SocketError.ProtocolNotSupported =>
            New(ConnectionError.UnsupportedAddress, ConnectionStep.Dial, Fault.Local, $"This host cannot use addresses such as {address}.", error),
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable =>
            New(ConnectionError.LimitExceeded, ConnectionStep.Dial, Fault.Local, "The system has no socket or buffer left to dial with.", error),
        _ => New(ConnectionError.Unreachable, ConnectionStep.Dial, Fault.Network, $"Nobody answered at {address}: {error.Message}", error),
    };

    internal static ConnectionException Listen(SocketException error, string address) => error.SocketErrorCode switch
    {
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable =>
            New(ConnectionError.LimitExceeded, ConnectionStep.Listen, Fault.Local, "The system has no socket or buffer left to listen with.", error),
        SocketError.AddressFamilyNotSupported or SocketError.ProtocolFamilyNotSupported or SocketError.ProtocolNotSupported =>
            New(ConnectionError.UnsupportedAddress, ConnectionStep.Listen, Fault.Local, $"This host cannot use addresses such as {address}.", error),
        _ => New(ConnectionError.AddressUnavailable, ConnectionStep.Listen, Fault.Caller, $"Cannot listen on {address}: {error.Message}", error),
    };

    internal static ConnectionException Accept(SocketException error) => error.SocketErrorCode switch
    {
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable =>
            New(ConnectionError.LimitExceeded, ConnectionStep.Listen, Fault.Local, "The system has no socket left to accept a connection with.", error),
        _ => New(ConnectionError.ConnectionLost, ConnectionStep.Listen, Fault.Local, $"The listener failed: {error.Message}", error),
    };

    internal static ConnectionException Lost(SocketError error) =>
        New(ConnectionError.ConnectionLost, ConnectionStep.Connection, Fault.Network, $"The connection was lost: {error}.", new SocketException((int)error));

    internal static ConnectionException Closed(ConnectionStep step, string message) => New(ConnectionError.Closed, step, Fault.Local, message, null);

    internal static ConnectionException Unsupported(ConnectionStep step, string address) =>
        New(ConnectionError.UnsupportedAddress, step, Fault.Caller, $"{address} is not of the form /ip4|ip6/…/tcp/….", null);

    private static ConnectionException New(ConnectionError reason, ConnectionStep step, Fault fault, string message, Exception? inner) =>
        new(reason, step, fault, message, inner);
}
