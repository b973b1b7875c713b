using Overlay.Discovery;
using Overlay.Discovery.Reachability;
using Overlay.Transport.Connections;

namespace Overlay.Node.Doctor;

/// <summary>What of the settings and the network would keep a node from earning.</summary>
internal static class NodeChecks
{
    internal static IEnumerable<Finding> Settings(OverlayOptions options)
    {
        if (options.Sharing is not { } sharing)
        {
            yield return new("sharing", Health.Bad, "is off: this node only buys", "overlay run --share --region DE --price 0.05, or the same in the configuration file");
            yield break;
        }

        yield return sharing.Region == Region.Anywhere
            ? new("region", Health.Doubtful, "is not said: consumers who want a country pass this exit over", "--region DE, where the exit really stands")
            : new("region", Health.Good, sharing.Region.ToString());
        yield return sharing.PricePerGiB > 0
            ? new("price", Health.Good, $"{Output.Units.Credits(sharing.PricePerGiB)} credits a GiB")
            : new("price", Health.Doubtful, "is 0: service is given away", "--price 0.05");
        yield return sharing.AllowPrivateTargets
            ? new("policy", Health.Bad, "lets consumers into your own network", "Leave --allow-private-targets out: it is for tests.")
            : sharing.AllowedPorts.Contains(443)
                ? new("policy", Health.Good, $"ports {string.Join(", ", sharing.AllowedPorts)} of public addresses")
                : new("policy", Health.Doubtful, "port 443 is not allowed: most of the web is closed to consumers", "--allow-port 443");
    }

    internal static Finding Peers(int count) => count > 0
        ? new("peers", Health.Good, $"{count} found")
        : new("peers", Health.Bad, "nobody was found", "Name a way in: --bootstrap ADDR. Is there a network, and may this program use it?");

    internal static Finding Reachability(ReachabilityReport report, IReadOnlyList<NetworkPeer> peers) => report.Verdict switch
    {
        ReachabilityVerdict.Public => new("reachability", Health.Good, $"others can dial {string.Join(", ", report.Confirmed)}"),
        ReachabilityVerdict.Private => new("reachability", Health.Bad, "others cannot dial this node, and nobody relays for it",
            "Forward the listening TCP port on your router to this machine, or run the node where it has a public address."),
        _ when peers.Any(peer => peer.Direction == Direction.Inbound) => new("reachability", Health.Good, "others have dialled this node"),
        _ => new("reachability", Health.Doubtful, $"not known: too few peers have tried ({(report.Candidates.Count == 0 ? "no public address seen" : string.Join(", ", report.Candidates))})",
            "Try again with a longer --wait, or forward the listening TCP port on your router."),
    };
}
