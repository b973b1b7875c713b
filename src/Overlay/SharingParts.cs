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
internal sealed class SharingParts : IAsyncDisposable
{
    private readonly ConsentKeeper _consent;
    private readonly TargetLists _lists;
    private readonly TargetJournal _journal;
    private readonly ConsumerBlocks _blocks;
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
    /// <param name="dataDirectory">Where the owner's lists, limits and their usage are, and targets are recorded; null for nowhere.</param>
    /// <param name="traffic">Counts what the node's sockets carry.</param>
    /// <exception cref="OverlayException">A list, the limits or their usage cannot be read.</exception>
    internal SharingParts(
        SharingOptions sharing, ISigner signer, ILedgerStore ledger, SessionOptions options, TimeProvider time, ILogger logger, SessionDiagnostics diagnostics,
        PeerHost peers, ICounterpartyLedgers ledgers, SharingMetrics? metrics, ConsentKeeper consent, string? dataDirectory, SocketTraffic traffic)
    {
        _consent = consent;
        _time = time;
        _closeTimeout = options.CloseTimeout;
        var policy = new ExitPolicy { AllowedPorts = sharing.OpenPorts, AllowPrivateTargets = sharing.AllowPrivateTargets };
        // What may not be readable comes first, and nothing runs before all of it is read: a start that fails leaves no loop behind.
        _blocks = new ConsumerBlocks(dataDirectory, time, logger) { Blocked = EndAsync };
        _lists = TargetLists.Open(sharing.BlockLists, sharing.AllowLists, time, logger);
        Protection = Protect(sharing, signer, dataDirectory, traffic, time, logger);
        _journal = new TargetJournal(sharing.TargetLog, dataDirectory, sharing.MaxTargetLogSize, time, logger);
        Exit exit = Exit.CreateOnSystem(new ExitOptions { Policy = policy, Targets = sharing.Targets }, () => [], time, logger, metrics, _lists, _journal);
        var terms = new ProviderTerms
        {
            Region = sharing.Region.Code,
            PricePerGiB = Price.ToMicroCredits(sharing.PricePerGiB),
            MaxCreditWindow = (long)sharing.CreditWindow.Bytes,
            ExitPolicy = policy.Digest,
        };
        Sessions = new ProviderSessions(signer, ledger, exit, terms, options, time, diagnostics, peers, ledgers, Protection) { IsBlocked = _blocks.Contains };
        Protection.EndSessions = async () =>
        {
            using var deadline = new CancellationTokenSource(options.CloseTimeout, time);
            await Sessions.EndAllAsync(deadline.Token).ConfigureAwait(false);
        };
        Face = new OverlaySharing(Sessions, consent, Protection, _journal, _blocks);
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

    /// <summary>Ends sharing as soon as the consent is gone.</summary>
    /// <param name="stopAnnouncing">Takes back what the network was told.</param>
    internal void Watch(Action stopAnnouncing)
    {
        _lists.Start();
        _blocks.Start();
        _consent.Start(async () =>
        {
            using var deadline = new CancellationTokenSource(_closeTimeout, _time);
            Task closing = Sessions.CutAsync(deadline.Token);
            stopAnnouncing();
            await closing.ConfigureAwait(false);
        });
    }

    /// <summary>Takes no new sessions and waits for last receipts until cancelled.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        await _consent.DisposeAsync().ConfigureAwait(false);
        await _blocks.DisposeAsync().ConfigureAwait(false);
        try
        {
            await Sessions.StopAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await Protection.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Lets go of files, behind <see cref="StopAsync"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await _lists.DisposeAsync().ConfigureAwait(false);
        await _journal.DisposeAsync().ConfigureAwait(false);
    }

    private async Task EndAsync(PublicKey consumer)
    {
        using var deadline = new CancellationTokenSource(_closeTimeout, _time);
        await Sessions.CutAsync(consumer, deadline.Token).ConfigureAwait(false);
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
                Line = OperatingSystem.IsLinux() ? new LinuxLineCounters(time) : new SystemLineCounters(time),
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
