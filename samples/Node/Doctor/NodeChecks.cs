using Overlay.Discovery;
using Overlay.Discovery.Reachability;
using Overlay.Node.Dashboard;
using Overlay.Sharing;
using Overlay.Sharing.Limits;
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
            : new("policy", Health.Good, $"ports {string.Join(", ", sharing.AllowedPorts)} of public addresses");
    }

    /// <summary>Whether the owner has agreed to what is to be shared.</summary>
    internal static Finding Consent(string folder, SharingOptions asked)
    {
        const string Remedy = "Read 'overlay consent text', then: overlay consent give, both with the flags that say what is shared";
        try
        {
            return SharingConsent.Find(folder) switch
            {
                null => new("consent", Health.Bad, "was not given: nothing is shared without", Remedy),
                { } given when given.FindObjection(asked) is { } objection => new("consent", Health.Bad, $"there is one, but {objection}", Remedy),
                { } given => new("consent", Health.Good, $"given on {given.GivenAt:yyyy-MM-dd} by {given.GivenBy}"),
            };
        }
        catch (OverlayException e)
        {
            return new("consent", Health.Bad, e.Message, Remedy);
        }
    }

    /// <summary>Whether the owner's limits let anybody be served now.</summary>
    internal static Finding Limits(string folder)
    {
        try
        {
            OwnerLimits limits = OverlaySharing.ReadLimits(folder) ?? new OwnerLimits();
            if (OverlaySharing.ReadRunning(folder) is { } state)
                return new("limits", state.Condition is SharingCondition.Serving or SharingCondition.Yielding ? Health.Good : Health.Doubtful, OwnerControls.Words(state), Remedy(state.Condition));
            return limits.Paused
                ? new("limits", Health.Bad, "sharing is paused", "overlay limits resume")
                : new("limits", Health.Good, limits == new OwnerLimits() ? "none but giving way to your own traffic" : "let others be served; see 'overlay limits'");
        }
        catch (OverlayException e)
        {
            return new("limits", Health.Bad, e.Message, "Mend the file, or set them anew: overlay limits set");
        }
    }

    private static string? Remedy(SharingCondition condition) => condition switch
    {
        SharingCondition.Paused => "overlay limits resume",
        SharingCondition.QuotaSpent or SharingCondition.Asleep => "overlay limits set --monthly-quota SIZE, if more may be used",
        SharingCondition.OutsideSchedule => "overlay limits set --schedule none, if it may serve at any hour",
        SharingCondition.Faulted => "Is the disk full? Make room and start the node again.",
        _ => null,
    };

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
