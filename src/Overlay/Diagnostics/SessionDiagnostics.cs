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

    private int _toldOfLedger;

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
        TellIfReadOnly(error);
    }

    internal void Refused(SessionException error)
    {
        SessionsLog.Refused(logger, error.Reason, error.Message);
        metrics?.Refused(error.Reason);
        TellIfReadOnly(error);
    }

    internal void Paid(LedgerRole role, long bytes) => metrics?.Paid(role, bytes);

    internal void Settled(Digest session, LedgerRole role, SettleResult result) => SessionsLog.Settled(logger, session, role, result);

    // Once: it stays so until the node is started again, and every session ends of it.
    private void TellIfReadOnly(SessionException? error)
    {
        if (error?.InnerException is LedgerException { Reason: LedgerError.ReadOnly } fault && Interlocked.Exchange(ref _toldOfLedger, 1) == 0)
            SessionsLog.LedgerReadOnly(logger, fault.Message);
    }
}
