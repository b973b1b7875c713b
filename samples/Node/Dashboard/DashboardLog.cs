using Microsoft.Extensions.Logging;

namespace Overlay.Node.Dashboard;

/// <summary>What the dashboard writes to the log.</summary>
internal static partial class DashboardLog
{
    [LoggerMessage(6001, LogLevel.Warning, "The dashboard refused {Method} {Path} of {Remote}: {Reason}.")]
    internal static partial void Refused(ILogger logger, string method, string path, string? remote, string reason);

    [LoggerMessage(6002, LogLevel.Warning, "The dashboard could not look at the node.")]
    internal static partial void LookFailed(ILogger logger, Exception exception);

    [LoggerMessage(6003, LogLevel.Warning, "What the dashboard was asked for failed.")]
    internal static partial void RequestFailed(ILogger logger, Exception exception);
}
