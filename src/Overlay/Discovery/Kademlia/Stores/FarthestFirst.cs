using System.Diagnostics.CodeAnalysis;

namespace Overlay.Discovery.Kademlia.Stores;

/// <summary>The keys of a store by their distance from this node, so that the farthest is at hand when room is needed. Not safe on several threads.</summary>
internal sealed class FarthestFirst(Key self)
{
    // No two keys are equally far from a third.
    private readonly SortedDictionary<Distance, Key> _keys = new(Comparer<Distance>.Create((left, right) => right.CompareTo(left)));

    internal void Add(in Key place) => _keys.Add(place.DistanceTo(self), place);

    internal void Remove(in Key place) => _keys.Remove(place.DistanceTo(self));

    /// <summary>The farthest key, if it is farther than <paramref name="place"/>.</summary>
    internal bool TryFind(in Key place, [NotNullWhen(true)] out Key farthest)
    {
        farthest = default;
        foreach ((Distance most, Key key) in _keys)
        {
            farthest = key;
            return most > place.DistanceTo(self);
        }

        return false;
    }
}
