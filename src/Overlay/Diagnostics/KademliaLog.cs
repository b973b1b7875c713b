using Microsoft.Extensions.Logging;
using Overlay.Transport.Identity;

namespace Overlay.Diagnostics;

/// <summary>What the DHT writes to the log.</summary>
internal static partial class KademliaLog
{
    [LoggerMessage(EventId = 5001, Level = LogLevel.Information, Message = "Joining the DHT {Protocol} through {Count} known peers.")]
    public static partial void Started(ILogger logger, string protocol, int count);

    [LoggerMessage(EventId = 5002, Level = LogLevel.Debug, Message = "Peer {Peer} has answered and is in the table.")]
    public static partial void Learned(ILogger logger, PeerId peer);

    [LoggerMessage(EventId = 5003, Level = LogLevel.Debug, Message = "A request to {Peer} came to nothing. {Reason}")]
    public static partial void RequestFailed(ILogger logger, PeerId peer, string reason);

    [LoggerMessage(EventId = 5004, Level = LogLevel.Debug, Message = "A request of {Peer} was refused.")]
    public static partial void Refused(ILogger logger, PeerId peer);
}
