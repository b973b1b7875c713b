namespace Overlay.Discovery.Kademlia;

/// <summary>How many peers the network has, judged by how densely lookups of random places find them.</summary>
/// <remarks>
/// The i-th nearest of n peers lies i/(n+1) of the keyspace away on average; n is fitted by least squares through the origin. Only places that this node has
/// chosen at random count: nobody can have crowded those beforehand. The median of the last results withstands single bad ones.
/// </remarks>
internal sealed class NetworkSize
{
    private const int MaxSamples = 32, LeastPeers = 5;

    private readonly Queue<double> _samples = new();
    private double? _estimate;

    /// <summary>The estimate, or null before the first lookup.</summary>
    internal double? Estimate => _estimate ??= Median();

    /// <summary>Takes the result of one lookup of a random place.</summary>
    /// <param name="target">The place.</param>
    /// <param name="closest">The nearest peers found, nearest first.</param>
    /// <param name="wanted">How many the lookup wanted: fewer are all that there are.</param>
    internal void Add(in Key target, IReadOnlyList<Contact> closest, int wanted)
    {
        if (closest.Count < Math.Min(wanted, LeastPeers)) return;
        double squares = 0, products = 0;
        for (int i = 0; i < closest.Count; i++)
        {
            squares += (i + 1.0) * (i + 1);
            products += (i + 1) * closest[i].Key.DistanceTo(target).Fraction;
        }

        if (products <= 0) return;
        _samples.Enqueue(closest.Count < wanted ? closest.Count : Math.Max(closest.Count, (squares / products) - 1));
        if (_samples.Count > MaxSamples) _samples.Dequeue();
        _estimate = null;
    }

    private double? Median()
    {
        if (_samples.Count == 0) return null;
        double[] sorted = [.. _samples.Order()];
        return sorted[sorted.Length / 2];
    }
}
