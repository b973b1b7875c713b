using System.Net;
using Overlay.Proofs.Claims;

namespace Overlay.Market.Witnessing;

/// <summary>What witnesses say of a provider, put together: the median counts (docs/market.md). Witnesses are strangers, and who shows their word chooses
/// what to show.</summary>
public sealed record AttestedFigures
{
    /// <summary>How many different keys have attested. That they are different people, nobody can tell.</summary>
    public required int WitnessCount { get; init; }

    /// <summary>In how many epochs somebody has.</summary>
    public required int EpochCount { get; init; }

    /// <summary>The share of epochs in which most of the witnesses reached the provider, from 0 to 1: of all that are over since the first that is shown, so
    /// that what is left out counts against it.</summary>
    public required double Uptime { get; init; }

    /// <summary>Round trip through the exit to a witness's own target and back; null where nobody reached it. The median of the epochs' medians, as are the
    /// others.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>At what rate a few hundred kilobytes came from it, the way included: it is capable of at least that. Null where nobody reached it.</summary>
    public BitRate? RateDown { get; init; }

    /// <summary>At what rate they went to it; null where nobody reached it.</summary>
    public BitRate? RateUp { get; init; }

    /// <summary>The newest epoch (hours since 1970) in which somebody has attested.</summary>
    public required ulong NewestEpoch { get; init; }

    /// <summary>The first addresses of the networks from which its exit came in that epoch, as two witnesses or more say, and most of them: the word of one
    /// could bring anybody into any country.</summary>
    internal IReadOnlyList<IPAddress> ExitNetworks { get; init; } = [];

    /// <summary>Puts attestations of one provider together. Three of each epoch count, where there are more; a claim's are of one epoch and all
    /// count.</summary>
    /// <param name="attestations">Their signatures are checked already, as of all that is decoded.</param>
    /// <param name="currentEpoch">The epoch of now, in hours since 1970; null for that of the newest attestation.</param>
    /// <returns>Null without attestations.</returns>
    public static AttestedFigures? Of(IReadOnlyList<Attestation> attestations, ulong? currentEpoch = null)
    {
        ArgumentNullException.ThrowIfNull(attestations);
        AttestationBody[][] epochs =
        [
            .. attestations.Select(attestation => attestation.Body).GroupBy(body => body.Epoch).OrderBy(group => group.Key)
                .Select(group => group.DistinctBy(body => body.Witness).ToArray()),
        ];
        if (epochs.Length == 0) return null;
        ulong oldest = epochs[0][0].Epoch, newest = epochs[^1][0].Epoch;
        // The epoch of now may still be attested.
        ulong last = currentEpoch is { } now && now > newest ? now - 1 : newest;
        AttestationBody[][] up = [.. epochs.Where(IsUp)];
        return new AttestedFigures
        {
            WitnessCount = epochs.SelectMany(bodies => bodies).Select(body => body.Witness).Distinct().Count(),
            EpochCount = epochs.Length,
            Uptime = up.Length / (double)(last - oldest + 1),
            RoundTrip = Median(up, body => body.RttMillis) is { } millis ? TimeSpan.FromMilliseconds(millis) : null,
            RateDown = Median(up, body => body.MbpsDown) is { } down ? BitRate.FromMegabits(down) : null,
            RateUp = Median(up, body => body.MbpsUp) is { } rate ? BitRate.FromMegabits(rate) : null,
            NewestEpoch = newest,
            ExitNetworks = [.. Networks(epochs[^1])],
        };
    }

    private static bool IsUp(AttestationBody[] bodies) => bodies.Count(body => body.Reachable) * 2 > bodies.Length;

    // Of an even number the lower middle one: somebody's figure, and not one that nobody saw.
    private static uint? Median(AttestationBody[][] epochs, Func<AttestationBody, uint> figure) =>
        epochs.Length == 0 ? null : Middle(epochs.Select(bodies => Middle(bodies.Where(body => body.Reachable).Select(figure))));

    private static uint Middle(IEnumerable<uint> figures)
    {
        uint[] ordered = [.. figures.Order()];
        return ordered[(ordered.Length - 1) / 2];
    }

    private static IEnumerable<IPAddress> Networks(AttestationBody[] bodies)
    {
        foreach (IGrouping<string, AttestationBody> said in bodies.GroupBy(body => body.ExitAddressPrefix, StringComparer.Ordinal))
            if (said.Count() >= 2 && said.Count() * 2 > bodies.Length && WitnessDuty.TryReadPrefix(said.Key, out IPAddress first)) yield return first;
    }
}
