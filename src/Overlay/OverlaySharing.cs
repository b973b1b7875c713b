using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing;

namespace Overlay;

/// <summary>The service that a node gives to others, as its owner sees it.</summary>
/// <remarks>Safe on several threads.</remarks>
public sealed class OverlaySharing
{
    private readonly ProviderSessions _sessions;

    internal OverlaySharing(ProviderSessions sessions) => _sessions = sessions;

    /// <summary>Who is served at this moment, and how much so far. A snapshot.</summary>
    public IReadOnlyList<ServedSession> Sessions => [.. _sessions.Live.Select(ServedSession.Of)];
}
