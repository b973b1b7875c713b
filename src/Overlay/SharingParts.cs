using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sharing;
using Overlay.Transport;

namespace Overlay;

/// <summary>What gives service for a node, put together: the exit, and the sessions of those who use it.</summary>
internal sealed class SharingParts
{
    /// <param name="sharing">What is shared.</param>
    /// <param name="signer">The node's key.</param>
    /// <param name="ledger">Where receipts are kept.</param>
    /// <param name="options">Limits of sessions.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is told.</param>
    /// <param name="diagnostics">Logs and counts sessions.</param>
    /// <param name="peers">The node's connections, whose protocols are taken from here on.</param>
    /// <param name="ledgers">Knows who has signed two histories.</param>
    /// <param name="metrics">Counts what the exit does; null for none.</param>
    internal SharingParts(
        SharingOptions sharing, ISigner signer, ILedgerStore ledger, SessionOptions options, TimeProvider time, ILogger logger, SessionDiagnostics diagnostics,
        PeerHost peers, ICounterpartyLedgers ledgers, SharingMetrics? metrics)
    {
        var policy = new ExitPolicy { AllowedPorts = [.. sharing.AllowedPorts], AllowPrivateTargets = sharing.AllowPrivateTargets };
        Exit exit = Exit.CreateOnSystem(new ExitOptions { Policy = policy }, () => [], time, logger, metrics);
        var terms = new ProviderTerms
        {
            Region = sharing.Region.Code,
            PricePerGiB = Price.ToMicroCredits(sharing.PricePerGiB),
            MaxCreditWindow = (long)sharing.CreditWindow.Bytes,
            ExitPolicy = policy.Digest,
        };
        Sessions = new ProviderSessions(signer, ledger, exit, terms, options, time, diagnostics, peers, ledgers);
        Face = new OverlaySharing(Sessions);
        peers.Protocols.Handle(SessionProtocols.Offer, Sessions.HandleOfferAsync, maxStreamsPerConnection: 4);
        peers.Protocols.Handle(SessionProtocols.Session, Sessions.HandleSessionAsync, options.MaxSessionsPerPeer);
        peers.Protocols.Handle(SessionProtocols.Connect, Sessions.HandleConnectAsync);
    }

    /// <summary>The sessions of consumers.</summary>
    internal ProviderSessions Sessions { get; }

    /// <summary>What a host sees of it.</summary>
    internal OverlaySharing Face { get; }

    /// <summary>Takes no new sessions and waits for last receipts until cancelled.</summary>
    internal Task StopAsync(CancellationToken cancellationToken) => Sessions.StopAsync(cancellationToken);
}
