using Microsoft.Extensions.Logging;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Diagnostics;

/// <summary>The transport's log messages. Event ids are stable: 1000 to 1999.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(1000, LogLevel.Information, "Listening on {Address}.")]
    internal static partial void Listening(ILogger logger, Multiaddr address);

    [LoggerMessage(1001, LogLevel.Debug, "Connected to {Peer} at {Address} ({Direction}).")]
    internal static partial void Connected(ILogger logger, PeerId peer, Multiaddr address, Direction direction);

    [LoggerMessage(1002, LogLevel.Debug, "The connection with {Peer} ended, {Error}: {Reason}")]
    internal static partial void Disconnected(ILogger logger, PeerId peer, ConnectionError error, string reason);

    [LoggerMessage(1003, LogLevel.Information, "An inbound connection from {Address} was refused at {Step}, {Error} by {Fault}: {Reason}")]
    internal static partial void InboundRefused(ILogger logger, Multiaddr address, ConnectionStep step, ConnectionError error, Fault fault, string reason);

    [LoggerMessage(1004, LogLevel.Debug, "Dialling {Address} failed at {Step}: {Reason}")]
    internal static partial void DialFailed(ILogger logger, Multiaddr address, ConnectionStep step, string reason);

    [LoggerMessage(1005, LogLevel.Debug, "An inbound stream of {Peer} was refused: {Reason}")]
    internal static partial void StreamRefused(ILogger logger, PeerId peer, string reason);

    [LoggerMessage(1006, LogLevel.Debug, "A {Protocol} stream of {Peer} ended early: {Reason}")]
    internal static partial void StreamFailed(ILogger logger, PeerId peer, string protocol, string reason);

    [LoggerMessage(1007, LogLevel.Error, "The handler of {Protocol} failed.")]
    internal static partial void HandlerFailed(ILogger logger, string protocol, Exception exception);

    [LoggerMessage(1008, LogLevel.Warning, "Accepting connections on {Address} failed: {Reason}")]
    internal static partial void AcceptFailed(ILogger logger, Multiaddr address, string reason);

    [LoggerMessage(1009, LogLevel.Debug, "Of two simultaneous connections with {Peer} the {Direction} one is given up.")]
    internal static partial void SimultaneousDialResolved(ILogger logger, PeerId peer, Direction direction);

    [LoggerMessage(1010, LogLevel.Debug, "The identify exchange with {Peer} failed: {Reason}")]
    internal static partial void IdentifyFailed(ILogger logger, PeerId peer, string reason);

    // At debug level: a flood must not fill a disk. The metric overlay.transport.refusals counts them all.
    [LoggerMessage(1011, LogLevel.Debug, "An inbound connection from {Address} was refused before its handshake, by {Scope}: {Refusal}")]
    internal static partial void InboundOverBudget(ILogger logger, Multiaddr address, ResourceScopeKind scope, ResourceRefusal refusal);

    [LoggerMessage(1012, LogLevel.Debug, "An inbound stream of {Peer} was refused, by {Scope}: {Refusal}")]
    internal static partial void StreamOverBudget(ILogger logger, PeerId peer, ResourceScopeKind scope, ResourceRefusal refusal);

    [LoggerMessage(1013, LogLevel.Debug, "The connection with {Peer} ({Direction}, {StreamCount} streams, value {Value}) is let go to make room.")]
    internal static partial void Trimmed(ILogger logger, PeerId peer, Direction direction, int streamCount, int value);
}
