using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Sessions.Metering;

namespace Overlay.Diagnostics;

/// <summary>What happens to sessions, told to the log and the meter together.</summary>
internal sealed class SessionDiagnostics(ILogger logger, SessionsMetrics? metrics)
{
    /// <summary>Tells nobody.</summary>
    internal static SessionDiagnostics None { get; } = new(NullLogger.Instance, null);

    internal void Opened(Digest session, LedgerRole role)
    {
        SessionsLog.Opened(logger, session, role);
        metrics?.Opened(role);
    }

    internal void Ended(Digest session, LedgerRole role, SessionException? error, ByteCount paid)
    {
        if (error is null) SessionsLog.Closed(logger, session, role, paid.Up, paid.Down);
        else SessionsLog.Lost(logger, session, role, error.Reason, error.Message);
        metrics?.Ended(role, error?.Reason ?? SessionError.None);
    }

    internal void Refused(SessionException error)
    {
        SessionsLog.Refused(logger, error.Reason, error.Message);
        metrics?.Refused(error.Reason);
    }

    internal void Paid(LedgerRole role, long bytes) => metrics?.Paid(role, bytes);

    internal void Settled(Digest session, LedgerRole role, SettleResult result) => SessionsLog.Settled(logger, session, role, result);
}
