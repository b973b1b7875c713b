namespace Overlay.Transport.Resources;

/// <summary>Token buckets of new inbound connections, one for each prefix, in a table of bounded size. Guarded by the budget's gate.</summary>
/// <remarks>
/// A bucket is kept as one time, the "theoretical arrival time" of ITU-T I.371's generic cell rate algorithm: when it would be full again. A full table
/// forgets the prefix unheard of for longest, which is as good as full in most cases; a refused prefix counts as heard of, so a flood does not make itself
/// forgotten. Nothing is allocated for a prefix once the table has grown.
/// </remarks>
internal sealed class InboundRate(AddressPrefixes prefixes, int capacity)
{
    private const int None = -1;

    private readonly Dictionary<PrefixKey, int> _index = [];
    private Bucket[] _buckets = new Bucket[Math.Min(capacity, 16)];
    private int _newest = None;
    private int _oldest = None;

    /// <summary>Prefixes remembered.</summary>
    internal int Count => _index.Count;

    /// <summary>Takes a token from each prefix of an address, or from none.</summary>
    /// <param name="keys">The address's limited prefixes.</param>
    /// <param name="now">The time on a clock that never goes back.</param>
    /// <param name="refused">The prefix that has no token left.</param>
    internal bool TryTake(ReadOnlySpan<PrefixKey> keys, TimeSpan now, out PrefixKey refused)
    {
        refused = default;
        bool fits = true;
        foreach (PrefixKey key in keys)
        {
            if (Interval(key) is not { } interval) continue;
            // Sought by each key and not remembered by number: the one before may have taken this one's place in a table of very few.
            int place = Touch(key);
            if (!fits || _buckets[place].FullAt - now <= interval * (prefixes.Rule(key).InboundBurst - 1)) continue;
            fits = false;
            refused = key;
        }

        if (!fits) return false;
        foreach (PrefixKey key in keys)
        {
            if (Interval(key) is not { } interval) continue;
            int place = Touch(key);
            ref Bucket bucket = ref _buckets[place];
            bucket.FullAt = (bucket.FullAt > now ? bucket.FullAt : now) + interval;
        }

        return true;
    }

    private TimeSpan? Interval(PrefixKey key)
    {
        double rate = prefixes.Rule(key).InboundPerSecond;
        return double.IsPositiveInfinity(rate) ? null : TimeSpan.FromSeconds(1 / rate);
    }

    /// <summary>The place of a prefix, which becomes the newest. May move the table, so what is read of it is read afterwards.</summary>
    private int Touch(PrefixKey key)
    {
        if (_index.TryGetValue(key, out int place))
        {
            if (place == _newest) return place;
            Unlink(place);
        }
        else
        {
            place = _index.Count < capacity ? Grow() : Forget();
            _index.Add(key, place);
            _buckets[place].Key = key;
            _buckets[place].FullAt = TimeSpan.Zero;
        }

        _buckets[place].Older = _newest;
        _buckets[place].Newer = None;
        if (_newest != None) _buckets[_newest].Newer = place;
        else _oldest = place;
        _newest = place;
        return place;
    }

    private int Grow()
    {
        if (_index.Count == _buckets.Length) Array.Resize(ref _buckets, Math.Min(capacity, 2 * _buckets.Length));
        return _index.Count;
    }

    private int Forget()
    {
        int place = _oldest;
        Unlink(place);
        _index.Remove(_buckets[place].Key);
        return place;
    }

    private void Unlink(int place)
    {
        (int newer, int older) = (_buckets[place].Newer, _buckets[place].Older);
        if (newer != None) _buckets[newer].Older = older;
        else _newest = older;
        if (older != None) _buckets[older].Newer = newer;
        else _oldest = newer;
    }

    private struct Bucket
    {
        internal PrefixKey Key;
        internal TimeSpan FullAt;
        internal int Newer;
        internal int Older;
    }
}
