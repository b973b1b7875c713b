namespace Overlay.Sessions;

/// <summary>The stream protocols of this room.</summary>
internal static class SessionProtocols
{
    /// <summary>Asking a provider for its terms: docs/protocols/offer.md.</summary>
    internal const string Offer = "/overlay/offer/1";

    /// <summary>Opening, paying and ending a session: docs/protocols/session.md.</summary>
    internal const string Session = "/overlay/session/1";

    /// <summary>One target connection: docs/protocols/connect.md.</summary>
    internal const string Connect = "/overlay/connect/1";
}
