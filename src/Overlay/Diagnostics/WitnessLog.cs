using Microsoft.Extensions.Logging;
using Overlay.Transport.Identity;

namespace Overlay.Diagnostics;

/// <summary>What witnesses and those whom they attest write to the log.</summary>
internal static partial class WitnessLog
{
    [LoggerMessage(EventId = 6100, Level = LogLevel.Information, Message = "Attested {Provider} in epoch {Epoch}: reachable {Reachable}. {Reason}")]
    public static partial void Attested(ILogger logger, PeerId provider, ulong epoch, bool reachable, string reason);

    [LoggerMessage(EventId = 6101, Level = LogLevel.Information, Message = "{Provider} is not attested: {Reason}")]
    public static partial void NotAttested(ILogger logger, PeerId provider, string reason);

    [LoggerMessage(EventId = 6102, Level = LogLevel.Debug, Message = "{Provider} shows no chain: {Reason}")]
    public static partial void ChainNotShown(ILogger logger, PeerId provider, string reason);

    [LoggerMessage(EventId = 6103, Level = LogLevel.Debug, Message = "{Provider} has not taken an attestation: {Reason}")]
    public static partial void NotHandedOver(ILogger logger, PeerId provider, string reason);

    [LoggerMessage(EventId = 6104, Level = LogLevel.Information, Message = "{Witness} attests this node in epoch {Epoch}: reachable {Reachable}.")]
    public static partial void Taken(ILogger logger, PeerId witness, ulong epoch, bool reachable);

    [LoggerMessage(EventId = 6105, Level = LogLevel.Debug, Message = "A stream for attestations of {Peer} ended: {Reason}")]
    public static partial void Refused(ILogger logger, PeerId peer, string reason);

    [LoggerMessage(EventId = 6106, Level = LogLevel.Warning, Message = "Attestations could not be written to the data folder: {Reason}")]
    public static partial void NotKept(ILogger logger, string reason);

    [LoggerMessage(EventId = 6107, Level = LogLevel.Debug, Message = "{Provider} shows no attestations: {Reason}")]
    public static partial void NotShown(ILogger logger, PeerId provider, string reason);

    [LoggerMessage(EventId = 6108, Level = LogLevel.Debug, Message = "The DHT gave no more witnesses: {Reason}")]
    public static partial void RosterFailed(ILogger logger, string reason);

    [LoggerMessage(EventId = 6109, Level = LogLevel.Debug, Message = "A round as a witness was broken off: {Reason}")]
    public static partial void RoundFailed(ILogger logger, string reason);

    [LoggerMessage(EventId = 6110, Level = LogLevel.Debug, Message = "A connection to the witness's target ended: {Reason}")]
    public static partial void TargetFailed(ILogger logger, string reason);
}
