using Microsoft.Extensions.Logging;

namespace Overlay.Diagnostics;

/// <summary>What the sealing of blocks writes to the log.</summary>
internal static partial class SealingLog
{
    [LoggerMessage(EventId = 2010, Level = LogLevel.Information, Message = "Block {Sequence} is sealed with {Legs} finished legs in it.")]
    public static partial void Sealed(ILogger logger, ulong sequence, int legs);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Error, Message = "No more blocks are sealed until the node is started again. {Message}")]
    public static partial void Failed(ILogger logger, string message);
}
