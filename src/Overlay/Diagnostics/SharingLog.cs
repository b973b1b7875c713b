using Microsoft.Extensions.Logging;
using Overlay.Sessions;

namespace Overlay.Diagnostics;

/// <summary>What the provider's side writes to the log. Targets are a consumer's business: they appear at debug level only.</summary>
internal static partial class SharingLog
{
    [LoggerMessage(EventId = 3000, Level = LogLevel.Warning,
        Message = "The exit policy allows private targets: consumers can reach this host itself and everything on its networks.")]
    public static partial void PrivateTargetsAllowed(ILogger logger);

    [LoggerMessage(EventId = 3001, Level = LogLevel.Information, Message = "A target was refused ({Code}): {Reason}")]
    public static partial void Refused(ILogger logger, ConnectCode code, string reason);

    public static void RefusedTarget(ILogger logger, string host, int port, ConnectCode code)
    {
        if (!logger.IsEnabled(LogLevel.Debug)) return;
        string printable = Printable(host);
        WriteRefusedTarget(logger, printable, port, code);
    }

    [LoggerMessage(EventId = 3002, Level = LogLevel.Debug, Message = "The refused target was {Host} port {Port} ({Code}).")]
    private static partial void WriteRefusedTarget(ILogger logger, string host, int port, ConnectCode code);

    [LoggerMessage(EventId = 3010, Level = LogLevel.Information, Message = "Sharing with the consent of {GivenAt:u} by {GivenBy} to text {TextVersion}.")]
    public static partial void SharingWithConsent(ILogger logger, DateTimeOffset givenAt, string givenBy, int textVersion);

    [LoggerMessage(EventId = 3011, Level = LogLevel.Warning, Message = "The consent by {GivenBy} is gone: open connections are cut, and nobody is served.")]
    public static partial void ConsentGone(ILogger logger, string givenBy);

    // A peer's text goes into the log as one that cannot forge a line of it.
    private static string Printable(string text) =>
        string.Create(Math.Min(text.Length, 255), text, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = source[i] is > ' ' and < '\x7f' ? source[i] : '?';
        });
}
