using Microsoft.Extensions.Logging;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sessions.Messages;

namespace Overlay.Diagnostics;

/// <summary>What sessions write to the log.</summary>
internal static partial class SessionsLog
{
    [LoggerMessage(EventId = 2000, Level = LogLevel.Information, Message = "Session {Session} is open ({Role}).")]
    public static partial void Opened(ILogger logger, Digest session, LedgerRole role);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Session {Session} is closed ({Role}): {Up} bytes up and {Down} bytes down are paid.")]
    public static partial void Closed(ILogger logger, Digest session, LedgerRole role, long up, long down);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Session {Session} ended without its last receipt ({Role}, {Reason}): {Message}")]
    public static partial void Lost(ILogger logger, Digest session, LedgerRole role, SessionError reason, string message);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Information, Message = "A session was refused ({Reason}): {Message}")]
    public static partial void Refused(ILogger logger, SessionError reason, string message);

    [LoggerMessage(EventId = 2004, Level = LogLevel.Information, Message = "The earlier session {Session} was settled ({Role}): {Result}.")]
    public static partial void Settled(ILogger logger, Digest session, LedgerRole role, SettleResult result);

    [LoggerMessage(EventId = 2005, Level = LogLevel.Error, Message = "Nothing is signed any more until the node is started again. {Message}")]
    public static partial void LedgerReadOnly(ILogger logger, string message);
}
