using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing;
using Overlay.Sharing.Limits;

namespace Overlay;

/// <summary>The service that a node gives to others, as its owner sees it.</summary>
/// <remarks>Safe on several threads.</remarks>
public sealed class OverlaySharing
{
    private readonly ProviderSessions _sessions;
    private readonly ConsentKeeper _consent;
    private readonly OwnerProtection _protection;
    private readonly TargetJournal _journal;
    private readonly ConsumerBlocks _blocks;

    internal OverlaySharing(ProviderSessions sessions, ConsentKeeper consent, OwnerProtection protection, TargetJournal journal, ConsumerBlocks blocks)
    {
        _sessions = sessions;
        _consent = consent;
        _protection = protection;
        _journal = journal;
        _blocks = blocks;
    }

    /// <summary>The owner's consent, as it is now.</summary>
    public SharingConsent Consent => _consent.Consent;

    /// <summary>Done when the consent is gone: withdrawn here, by <see cref="SharingConsent.Withdraw"/> in another program, or its record removed or
    /// replaced. Nobody is served from then on.</summary>
    public Task Ended => _consent.Ended;

    /// <summary>
    /// Withdraws the consent. From this moment on there are no offers, no new sessions and no new connections; those that are open are cut, and consumers are
    /// asked for their last receipts, for at
    /// most <see cref="OverlayOptions.CloseTimeout"/>. The record in the data folder is marked; sharing again takes a new consent and a new start of the node.
    /// </summary>
    /// <exception cref="OverlayException">The record could not be marked (<see cref="OverlayError.DataDirectory"/>). Sharing has ended all the same, until
    /// the node is started again.</exception>
    public Task WithdrawConsentAsync() => _consent.WithdrawAsync();

    /// <summary>The last 256 targets that were refused or not reached, oldest first. A snapshot; it stays on this host.</summary>
    public IReadOnlyList<TargetRefusal> Refusals => _journal.Recent;

    /// <summary>The consumers that are not served.</summary>
    public IReadOnlySet<PublicKey> BlockedConsumers => _blocks.Keys;

    /// <summary>
    /// Serves a consumer no more: its connections are cut at once, it is asked for its last receipts, and opens no more sessions. Kept in the data folder.
    /// Its receipts stay: they are what there is to show about it.
    /// </summary>
    /// <exception cref="OverlayException">The list cannot be written; the consumer is blocked all the same, until the node is started again.</exception>
    public Task BlockConsumerAsync(PublicKey consumer) => _blocks.BlockAsync(consumer);

    /// <summary>Serves a consumer again.</summary>
    /// <returns>Whether it was blocked.</returns>
    /// <exception cref="OverlayException">The list cannot be written; the consumer stays blocked.</exception>
    public bool UnblockConsumer(PublicKey consumer) => _blocks.Unblock(consumer);

    /// <summary>Who is served at this moment, and how much so far. A snapshot.</summary>
    public IReadOnlyList<ServedSession> Sessions => [.. _sessions.Live.Select(ServedSession.Of)];

    /// <summary>What others may have of the line.</summary>
    public OwnerLimits Limits => _protection.Limits;

    /// <summary>Whether service is given at this moment, and what was used. A snapshot.</summary>
    public SharingState State => _protection.State;

    /// <summary>Takes other limits at once, and keeps them in the data folder for the next start. Open connections live on as far as the new ones allow.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="cancellationToken">Gives up before anything is written.</param>
    /// <exception cref="OverlayException">They cannot be written, or another has just written damaged ones into the data folder; the old ones hold.</exception>
    public Task SetLimitsAsync(OwnerLimits limits, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return ChangeLimitsAsync(_ => limits, cancellationToken);
    }

    /// <summary>Changes the limits as they are at this moment, so that nothing is lost that somebody else has changed meanwhile.</summary>
    /// <param name="change">From the limits that hold to those that are to. Must not block.</param>
    /// <param name="cancellationToken">Gives up before anything is written.</param>
    /// <exception cref="OverlayException">They cannot be written; the old ones hold.</exception>
    public async Task ChangeLimitsAsync(Func<OwnerLimits, OwnerLimits> change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        try
        {
            await _protection.SetAsync(change, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }

    /// <summary>Serves nobody from now on: asks for last receipts, ends all sessions and opens no more, also after a restart.</summary>
    /// <inheritdoc cref="SetLimitsAsync"/>
    public Task PauseAsync(CancellationToken cancellationToken = default) => ChangeLimitsAsync(static limits => limits with { Paused = true }, cancellationToken);

    /// <summary>Serves again, as the other limits allow.</summary>
    /// <inheritdoc cref="SetLimitsAsync"/>
    public Task ResumeAsync(CancellationToken cancellationToken = default) => ChangeLimitsAsync(static limits => limits with { Paused = false }, cancellationToken);

    /// <summary>The limits that a data folder holds; the node that runs there, in another process say, has them too.</summary>
    /// <returns>Null where none were set yet.</returns>
    /// <exception cref="OverlayException">They cannot be read, or are damaged.</exception>
    public static OwnerLimits? ReadLimits(string dataDirectory) => With(dataDirectory, static file => file.Load()?.Limits);

    /// <summary>Writes limits into a data folder; the node that runs there takes them within a second, and a stopped one when it starts.</summary>
    /// <returns>Which limits these are: <see cref="SharingState.Revision"/> of a node that has taken them.</returns>
    /// <exception cref="OverlayException">They cannot be written.</exception>
    public static string WriteLimits(string dataDirectory, OwnerLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return With(dataDirectory, file => file.Save(limits));
    }

    /// <summary>What the node that shares on a data folder, in another process say, said of itself last: at every change, and each second while it serves.</summary>
    /// <returns>Null when no node shares there.</returns>
    /// <exception cref="OverlayException">It cannot be read.</exception>
    public static SharingState? ReadRunning(string dataDirectory) =>
        // One that was killed leaves its state behind; its lock on the address book it does not.
        OverlayDiscovery.ReadRunning(dataDirectory) is null ? null : With(dataDirectory, static file => file.ReadState());

    private static T With<T>(string dataDirectory, Func<LimitsFile, T> work)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        try
        {
            return work(new LimitsFile(dataDirectory));
        }
        catch (IOException e)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }
}
