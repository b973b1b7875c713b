using Overlay.Transport.Identity;

namespace Overlay.Discovery.Reachability;

/// <summary>Whether others can dial a node from the Internet.</summary>
public enum ReachabilityVerdict
{
    /// <summary>Not known: too few peers have tried.</summary>
    Unknown = 1,

    /// <summary>They can, at one address at least.</summary>
    Public,

    /// <summary>They cannot: every address that the node could have was tried in vain.</summary>
    Private,
}

/// <summary>What a node knows of its own reachability. A snapshot.</summary>
/// <param name="Verdict">The whole.</param>
/// <param name="Confirmed">Addresses at which enough peers have reached the node.</param>
/// <param name="Candidates">Public addresses that the node listens on or is seen at, confirmed or not.</param>
public sealed record ReachabilityReport(ReachabilityVerdict Verdict, IReadOnlyList<Multiaddr> Confirmed, IReadOnlyList<Multiaddr> Candidates);
