using System.Globalization;
using System.Net;

namespace Overlay.Market.Regions;

/// <summary>Whether a region that an offer names can be true: held against the owner's GeoIP file, and against how far light comes in the round trip. What
/// nobody contradicts passes.</summary>
/// <param name="file">The owner's file; null without one.</param>
/// <param name="own">Where this node stands; anywhere where that is not known.</param>
internal sealed class RegionRule(GeoIpFile? file, Region own) : IDisposable
{
    // Light in glass goes some 200 km in a millisecond: there and back 100 km for each millisecond of a round trip.
    private const double KilometresPerMillisecond = 100;

    /// <summary>A rule that objects to nothing.</summary>
    internal static RegionRule None { get; } = new(null, Region.Anywhere);

    /// <summary>What speaks against the region, in words; null when nothing does.</summary>
    /// <param name="said">The region that the offer names.</param>
    /// <param name="addresses">Where the exit came from: its connection's other end, and the networks that witnesses saw.</param>
    /// <param name="roundTrip">To it, measured by this node; null where it was not.</param>
    internal string? ObjectionTo(Region said, IEnumerable<IPAddress> addresses, TimeSpan? roundTrip)
    {
        if (said == Region.Anywhere) return null;
        if (file is not null)
        {
            foreach (IPAddress address in addresses)
                if (file.Find(address) is { } found && found != said) return $"it says that it stands in {said}, and {address} is in {found}";
        }

        if (own == Region.Anywhere || roundTrip is not { } took) return null;
        double reach = took.TotalMilliseconds * KilometresPerMillisecond, least = RegionPlaces.LeastDistance(own, said);
        return least > reach
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"it says that it stands in {said}, {least:0} km or more from {own}, and answers in {took.TotalMilliseconds:0.#} ms: light from {reach:0} km")
            : null;
    }

    public void Dispose() => file?.Dispose();
}
