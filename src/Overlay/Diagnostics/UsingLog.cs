using Microsoft.Extensions.Logging;
using Overlay.Sessions;
using Overlay.Transport.Identity;

namespace Overlay.Diagnostics;

/// <summary>What the consumer's side writes to the log. Targets appear nowhere in it.</summary>
internal static partial class UsingLog
{
    [LoggerMessage(EventId = 4000, Level = LogLevel.Information, Message = "The {Kind} proxy listens on {EndPoint}.")]
    public static partial void Listening(ILogger logger, string kind, System.Net.IPEndPoint endPoint);

    [LoggerMessage(EventId = 4001, Level = LogLevel.Warning, Message = "The {Kind} proxy on {EndPoint} is open to other hosts and asks for no password.")]
    public static partial void OpenToOthers(ILogger logger, string kind, System.Net.IPEndPoint endPoint);

    [LoggerMessage(EventId = 4002, Level = LogLevel.Warning, Message = "A local connection could not be accepted.")]
    public static partial void AcceptFailed(ILogger logger, Exception error);

    [LoggerMessage(EventId = 4003, Level = LogLevel.Debug, Message = "A local connection ended: {Reason}")]
    public static partial void ClientLeft(ILogger logger, string reason);

    [LoggerMessage(EventId = 4004, Level = LogLevel.Error, Message = "Serving a local connection failed; the others go on.")]
    public static partial void ServingFailed(ILogger logger, Exception error);

    [LoggerMessage(EventId = 4005, Level = LogLevel.Debug, Message = "A client of the {Kind} proxy was turned away: {Reason}")]
    public static partial void TurnedAway(ILogger logger, string kind, string reason);

    [LoggerMessage(EventId = 4006, Level = LogLevel.Information, Message = "A connection through the provider was refused ({Code}).")]
    public static partial void ConnectRefused(ILogger logger, ConnectCode code);

    [LoggerMessage(EventId = 4007, Level = LogLevel.Information, Message = "No provider could be used: {Reason}")]
    public static partial void ProviderFailed(ILogger logger, string reason);

    [LoggerMessage(EventId = 4008, Level = LogLevel.Information, Message = "Opened a session with {Provider} at {Price} micro-credits a GiB.")]
    public static partial void SessionOpened(ILogger logger, PeerId provider, ulong price);
}
