using Microsoft.Extensions.Logging;

namespace Overlay.Diagnostics;

/// <summary>What the sealing of blocks writes to the log.</summary>
internal static partial class SealingLog
{
    [LoggerMessage(EventId = 2010, Level = LogLevel.Information, Message = "Block {Sequence} is sealed with {Legs} finished legs in it.")]
    public static partial void Sealed(ILogger logger, ulong sequence, int legs);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Error, Message = "No more blocks are sealed until the node is started again. {Message}")]
    public static partial void Failed(ILogger logger, string message);

    [LoggerMessage(EventId = 2012, Level = LogLevel.Warning,
        Message = "Blocks {First} to {Last} of this node's own chain were lost, as after a restored backup, and a peer had them: the chain goes on behind them. What stood in them is known no more.")]
    public static partial void Adopted(ILogger logger, ulong first, ulong last);

    [LoggerMessage(EventId = 2014, Level = LogLevel.Warning, Message = "A block could not be sealed now and is tried again. {Message}")]
    public static partial void PutOff(ILogger logger, string message);

    [LoggerMessage(EventId = 2013, Level = LogLevel.Error, Message = "No more blocks are sealed. {Reason}")]
    public static partial void Stopped(ILogger logger, string reason);
}
