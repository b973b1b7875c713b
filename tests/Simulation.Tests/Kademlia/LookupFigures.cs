using System.Globalization;

namespace Overlay.Simulation.Tests.Kademlia;

/// <summary>What lookups came to.</summary>
internal sealed class LookupFigures
{
    private readonly List<int> _hops = [];
    private readonly List<int> _requests = [];
    private readonly List<double> _seconds = [];
    private readonly List<double> _shares = [];

    /// <summary>Lookups that are over.</summary>
    internal int Count => _shares.Count;

    /// <summary>Share of lookups that found all whom they should.</summary>
    internal double Right => _shares.Count(share => share >= 1) / (double)Math.Max(1, Count);

    /// <summary>Share of lookups that found at least nine of ten.</summary>
    internal double NearlyRight => _shares.Count(share => share >= 0.9) / (double)Math.Max(1, Count);

    /// <summary>Share of those to be found that were, over all lookups.</summary>
    internal double Recall => _shares.DefaultIfEmpty(0).Average();

    internal int MedianHops => _hops.Count == 0 ? 0 : _hops.Order().ElementAt(_hops.Count / 2);

    internal double MeanHops => _hops.DefaultIfEmpty(0).Average();

    /// <summary>Requests that a lookup sends, all lookups' average.</summary>
    internal double MeanRequests => _requests.DefaultIfEmpty(0).Average();

    internal double MedianSeconds => Quantile(0.5);

    internal double Quantile(double share) => _seconds.Count == 0 ? 0 : _seconds.Order().ElementAt((int)(share * (_seconds.Count - 1)));

    internal void Add(double foundShare, int hops, int requests, TimeSpan took)
    {
        _shares.Add(foundShare);
        _hops.Add(hops);
        _requests.Add(requests);
        _seconds.Add(took.TotalSeconds);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Count} lookups, right {Right:P2}, ≥ 9/10 of the nearest {NearlyRight:P2}, recall {Recall:P2}, "
        + $"hops {MedianHops}, requests {MeanRequests:0.0}, {MedianSeconds:0.00} s (p95 {Quantile(0.95):0.00} s)");
}
