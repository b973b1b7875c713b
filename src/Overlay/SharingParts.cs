using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sharing;
using Overlay.Sharing.Limits;
using Overlay.Transport;
using Overlay.Transport.Tcp;

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
    /// <param name="dataDirectory">Where limits and their usage are kept; null for nowhere.</param>
    /// <param name="traffic">Counts what the node's sockets carry.</param>
    /// <param name="metrics">Counts what the exit does; null for none.</param>
    /// <exception cref="OverlayException">The limits or their usage cannot be read.</exception>
    internal SharingParts(
        SharingOptions sharing, ISigner signer, ILedgerStore ledger, SessionOptions options, TimeProvider time, ILogger logger, SessionDiagnostics diagnostics,
        PeerHost peers, ICounterpartyLedgers ledgers, string? dataDirectory, SocketTraffic traffic, SharingMetrics? metrics)
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
        Protection = Protect(sharing, signer, dataDirectory, traffic, time, logger);
        Sessions = new ProviderSessions(signer, ledger, exit, terms, options, time, diagnostics, peers, ledgers, Protection);
        Protection.EndSessions = async () =>
        {
            using var deadline = new CancellationTokenSource(options.CloseTimeout, time);
            await Sessions.EndAllAsync(deadline.Token).ConfigureAwait(false);
        };
        Face = new OverlaySharing(Sessions, Protection);
        peers.Protocols.Handle(SessionProtocols.Offer, Sessions.HandleOfferAsync, maxStreamsPerConnection: 4);
        peers.Protocols.Handle(SessionProtocols.Session, Sessions.HandleSessionAsync, options.MaxSessionsPerPeer);
        peers.Protocols.Handle(SessionProtocols.Connect, Sessions.HandleConnectAsync);
        Protection.Start();
    }

    /// <summary>The sessions of consumers.</summary>
    internal ProviderSessions Sessions { get; }

    /// <summary>What protects the owner.</summary>
    internal OwnerProtection Protection { get; }

    /// <summary>What a host sees of it.</summary>
    internal OverlaySharing Face { get; }

    /// <summary>Takes no new sessions and waits for last receipts until cancelled.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        await Sessions.StopAsync(cancellationToken).ConfigureAwait(false);
        await Protection.DisposeAsync().ConfigureAwait(false);
    }

    private static OwnerProtection Protect(
        SharingOptions sharing, ISigner signer, string? dataDirectory, SocketTraffic traffic, TimeProvider time, ILogger logger)
    {
        try
        {
            return new OwnerProtection(new ProtectionSettings
            {
                Initial = sharing.Limits,
                Folder = dataDirectory,
                Store = dataDirectory is null ? new UsageInMemory() : new UsageFile(dataDirectory),
                Key = signer.PublicKey,
                Policy = sharing.YieldPolicy?.Invoke() ?? new IdleYieldPolicy(),
                Line = OperatingSystem.IsLinux() ? new LinuxLineCounters(time) : new SystemLineCounters(),
                Surroundings = sharing.Surroundings ?? new SystemSurroundings(time),
                Traffic = traffic,
                Time = time,
                Logger = logger,
            });
        }
        catch (IOException e)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }
}
