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

    internal OverlaySharing(ProviderSessions sessions, ConsentKeeper consent)
    {
        _sessions = sessions;
        _consent = consent;
    }

    /// <summary>The owner's consent, as it is now.</summary>
    public SharingConsent Consent => _consent.Consent;

    /// <summary>Done when the consent is gone: withdrawn here, by <see cref="SharingConsent.Withdraw"/> in another program, or its record removed or replaced. Nobody is served from then on.</summary>
    public Task Ended => _consent.Ended;

    /// <summary>
    /// Withdraws the consent. From this moment on there are no offers, no new sessions and no new connections; those that are open are cut, and consumers are asked for their last receipts, for at
    /// most <see cref="OverlayOptions.CloseTimeout"/>. The record in the data folder is marked; sharing again takes a new consent and a new start of the node.
    /// </summary>
    /// <exception cref="OverlayException">The record could not be marked (<see cref="OverlayError.DataDirectory"/>). Sharing has ended all the same, until the node is started again.</exception>
    public Task WithdrawConsentAsync() => _consent.WithdrawAsync();

    /// <summary>Who is served at this moment, and how much so far. A snapshot.</summary>
    public IReadOnlyList<ServedSession> Sessions => [.. _sessions.Live.Select(ServedSession.Of)];
}
