using Microsoft.Extensions.Logging;
using Overlay.Proofs;
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

    [LoggerMessage(EventId = 3003, Level = LogLevel.Warning,
        Message = "Consumer {Consumer} is refused for {Pause}: what it asked for looked like a search for open doors.")]
    public static partial void ConsumerPaused(ILogger logger, PublicKey consumer, TimeSpan pause);

    [LoggerMessage(EventId = 3004, Level = LogLevel.Information, Message = "The owner's lists were read anew: {Blocked} names refused, {Allowed} allowed.")]
    public static partial void ListsRead(ILogger logger, int blocked, int allowed);

    [LoggerMessage(EventId = 3005, Level = LogLevel.Error, Message = "A list cannot be used, the one before stays: {Reason}")]
    public static partial void ListKept(ILogger logger, string reason);

    [LoggerMessage(EventId = 3006, Level = LogLevel.Error, Message = "The record of targets cannot be written: {Reason}")]
    public static partial void JournalFailed(ILogger logger, string reason);

    [LoggerMessage(EventId = 3007, Level = LogLevel.Information, Message = "Consumer {Consumer} is blocked: its sessions end, and no more are opened.")]
    public static partial void ConsumerBlocked(ILogger logger, PublicKey consumer);

    [LoggerMessage(EventId = 3008, Level = LogLevel.Error, Message = "A change of {Files} could not be dealt with.")]
    public static partial void ChangeFailed(ILogger logger, string files, Exception exception);

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
