using Microsoft.Extensions.Logging;
using Overlay.Transport.Identity;

namespace Overlay.Diagnostics;

/// <summary>What gossip writes to the log.</summary>
internal static partial class GossipLog
{
    [LoggerMessage(EventId = 2060, Level = LogLevel.Error, Message = "One turn of gossip's loops failed; the next one comes all the same.")]
    public static partial void TurnFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 2061, Level = LogLevel.Information, Message = "An RPC of {Peer} was refused: {Fault}.")]
    public static partial void RpcRefused(ILogger logger, PeerId peer, string fault);

    [LoggerMessage(EventId = 2062, Level = LogLevel.Warning, Message = "The validator of {Topic} failed; the message is ignored.")]
    public static partial void ValidatorFailed(ILogger logger, string topic, Exception exception);

    [LoggerMessage(EventId = 2063, Level = LogLevel.Debug, Message = "Gossip with {Peer} ended: {Message}")]
    public static partial void LinkEnded(ILogger logger, PeerId peer, string message);

    [LoggerMessage(EventId = 2064, Level = LogLevel.Debug, Message = "The exchanged peer {Peer} was not reached: {Message}")]
    public static partial void ExchangeFailed(ILogger logger, PeerId peer, string message);

    [LoggerMessage(EventId = 2066, Level = LogLevel.Information, Message = "The direct peer {Peer} was not reached: {Message}")]
    public static partial void DirectPeerNotReached(ILogger logger, PeerId peer, string message);

    [LoggerMessage(EventId = 2065, Level = LogLevel.Error, Message = "Checking gossip messages failed; they are ignored.")]
    public static partial void CheckFailed(ILogger logger, Exception exception);
}
