using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing;

namespace Overlay;

/// <summary>The service that a node gives to others, as its owner sees it.</summary>
/// <remarks>Safe on several threads.</remarks>
public sealed class OverlaySharing
{
    private readonly ProviderSessions _sessions;
    private readonly ConsentKeeper _consent;

    private readonly TargetJournal _journal;
    private readonly ConsumerBlocks _blocks;

    internal OverlaySharing(ProviderSessions sessions, ConsentKeeper consent, TargetJournal journal, ConsumerBlocks blocks)
    {
        _journal = journal;
        _blocks = blocks;
        _sessions = sessions;
        _consent = consent;
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
}
