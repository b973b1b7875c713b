using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>The overlay could not do what was asked.</summary>
public sealed class OverlayException : IOException
{
    internal OverlayException(OverlayError reason, string message, Exception? innerException = null)
        : base(message, innerException) => Reason = reason;

    /// <summary>What was in the way.</summary>
    public OverlayError Reason { get; }

    /// <summary>The peer concerned, when there is one.</summary>
    public PeerId? Peer { get; init; }
}

/// <summary>What was in the way.</summary>
public enum OverlayError
{
    /// <summary>No provider that fits the wish is known.</summary>
    NoProvider = 1,

    /// <summary>The provider could not be reached.</summary>
    ProviderUnreachable,

    /// <summary>The provider's offer does not fit the wish, or it would not open a session.</summary>
    ProviderRefused,

    /// <summary>The session ended while it was in use.</summary>
    SessionEnded,

    /// <summary>The data folder, its key or its ledger cannot be used.</summary>
    DataDirectory,

    /// <summary>A local address cannot be listened on.</summary>
    ListenFailed,

    /// <summary>The node is stopping.</summary>
    Stopping,

    /// <summary>There is nothing to claim, what is to be claimed is not true, or the epoch was claimed before.</summary>
    NothingToClaim,

    /// <summary>The node is searching for as much as it may at once.</summary>
    DiscoveryBusy,

    /// <summary>Sharing needs the owner's consent, and there is none that allows what is to be shared.</summary>
    NoConsent,

    /// <summary>The GeoIP file is missing, damaged, or says nothing of countries.</summary>
    GeoIpFile,

    /// <summary>A list of refused or allowed targets cannot be used; the message names the file and the line.</summary>
    TargetList,
}
