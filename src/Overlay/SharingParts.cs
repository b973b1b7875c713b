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
    private readonly ConsentKeeper _consent;
    private readonly TimeProvider _time;
    private readonly TimeSpan _closeTimeout;

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
    /// <param name="consent">The owner's; owned from here on.</param>
    internal SharingParts(
        SharingOptions sharing, ISigner signer, ILedgerStore ledger, SessionOptions options, TimeProvider time, ILogger logger, SessionDiagnostics diagnostics,
        PeerHost peers, ICounterpartyLedgers ledgers, SharingMetrics? metrics,
        ConsentKeeper consent)
    {
        _consent = consent;
        _time = time;
        _closeTimeout = options.CloseTimeout;
        var policy = new ExitPolicy { AllowedPorts = sharing.OpenPorts, AllowPrivateTargets = sharing.AllowPrivateTargets };
        Exit exit = Exit.CreateOnSystem(new ExitOptions { Policy = policy }, () => [], time, logger, metrics);
        var terms = new ProviderTerms
        {
            Region = sharing.Region.Code,
            PricePerGiB = Price.ToMicroCredits(sharing.PricePerGiB),
            MaxCreditWindow = (long)sharing.CreditWindow.Bytes,
            ExitPolicy = policy.Digest,
        };
        Sessions = new ProviderSessions(signer, ledger, exit, terms, options, time, diagnostics, peers, ledgers);
        Face = new OverlaySharing(Sessions, consent);
        peers.Protocols.Handle(SessionProtocols.Offer, Sessions.HandleOfferAsync, maxStreamsPerConnection: 4);
        peers.Protocols.Handle(SessionProtocols.Session, Sessions.HandleSessionAsync, options.MaxSessionsPerPeer);
        peers.Protocols.Handle(SessionProtocols.Connect, Sessions.HandleConnectAsync);
    }

    /// <summary>The sessions of consumers.</summary>
    internal ProviderSessions Sessions { get; }

    /// <summary>What a host sees of it.</summary>
    internal OverlaySharing Face { get; }

    /// <summary>Ends sharing as soon as the consent is gone.</summary>
    /// <param name="stopAnnouncing">Takes back what the network was told.</param>
    internal void Watch(Action stopAnnouncing) => _consent.Start(async () =>
    {
        using var deadline = new CancellationTokenSource(_closeTimeout, _time);
        Task closing = Sessions.CutAsync(deadline.Token);
        stopAnnouncing();
        await closing.ConfigureAwait(false);
    });

    /// <summary>Takes no new sessions and waits for last receipts until cancelled.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        await _consent.DisposeAsync().ConfigureAwait(false);
        await Sessions.StopAsync(cancellationToken).ConfigureAwait(false);
    }
}
