using Microsoft.Extensions.Logging;

namespace Overlay.Diagnostics;

/// <summary>What the protection of the owner writes to the log.</summary>
internal static partial class LimitsLog
{
    [LoggerMessage(EventId = 3050, Level = LogLevel.Information, Message = "Other limits hold from here on ({Revision}).")]
    public static partial void Taken(ILogger logger, string revision);

    [LoggerMessage(EventId = 3051, Level = LogLevel.Error, Message = "Nothing is shared: {Reason}")]
    public static partial void Faulted(ILogger logger, string reason);

    [LoggerMessage(EventId = 3052, Level = LogLevel.Debug, Message = "Sharing is now: {Condition}.")]
    private static partial void WriteChanged(ILogger logger, string condition);

    public static void Changed<T>(ILogger logger, T condition)
        where T : struct, Enum
    {
        if (!logger.IsEnabled(LogLevel.Debug)) return;
        string name = condition.ToString();
        WriteChanged(logger, name);
    }

    [LoggerMessage(EventId = 3053, Level = LogLevel.Warning, Message = "The state of sharing cannot be written: {Reason}")]
    public static partial void StateNotWritten(ILogger logger, string reason);

    [LoggerMessage(EventId = 3054, Level = LogLevel.Warning, Message = "Sessions did not end in order.")]
    public static partial void NotEnded(ILogger logger, Exception reason);
}
