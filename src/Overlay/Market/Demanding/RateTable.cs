using Overlay.Discovery;

namespace Overlay.Market.Demanding;

/// <summary>A rate for each of many, of whom the one heard of longest ago is forgotten when there are too many. No clock; not safe on several threads.</summary>
internal sealed class RateTable<TKey>(int capacity, double burst, double perSecond)
    where TKey : notnull
{
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, RateLimit Rate)>> _rates = [];
    private readonly LinkedList<(TKey Key, RateLimit Rate)> _order = new();

    internal int Count => _rates.Count;

    /// <summary>Counts one more of somebody's; false when that is one too many.</summary>
    internal bool TryTake(TKey key, DateTimeOffset now)
    {
        if (_rates.TryGetValue(key, out LinkedListNode<(TKey Key, RateLimit Rate)>? node))
        {
            _order.Remove(node);
            _order.AddLast(node);
        }
        else
        {
            if (_rates.Count == capacity)
            {
                _rates.Remove(_order.First!.Value.Key);
                _order.RemoveFirst();
            }

            _rates.Add(key, node = _order.AddLast((key, new RateLimit(burst, perSecond))));
        }

        return node.Value.Rate.TryTake(now);
    }
}
