using System.Buffers;
using System.Numerics;

namespace Overlay.Transport.Connections;

/// <summary>The byte arrays of one host's connections: powers of two, kept for reuse up to a stated size and given back to the system when they lie idle.</summary>
/// <remarks>
/// The shared pool of .NET keeps arrays by thread and by core. Here one thread rents what another returns, all the time, and the few arrays kept for each
/// core are passed by the first burst: what does not fit is garbage, and arrays of this size are collected with the oldest generation. One stack for each
/// size has no such borders. Safe on several threads; a lock for each size, held for a push or a pop.
/// </remarks>
/// <param name="maxKeptSize">Bytes kept of each size, at least four arrays.</param>
internal sealed class BufferPool(int maxKeptSize = 16 << 20) : ArrayPool<byte>
{
    private const int MinSize = 1 << 9;
    private const int MaxSize = 1 << 22;

    private readonly Bucket[] _buckets = CreateBuckets(maxKeptSize);

    /// <summary>Bytes in arrays that wait here to be rented.</summary>
    internal long KeptSize => _buckets.Sum(bucket => bucket.KeptSize);

    /// <summary>An array of at least <paramref name="minimumLength"/> bytes, of the next power of two; its content is of no meaning.</summary>
    public override byte[] Rent(int minimumLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumLength);
        return minimumLength > MaxSize ? GC.AllocateUninitializedArray<byte>(minimumLength) : _buckets[IndexOf(minimumLength)].Rent();
    }

    /// <summary>Takes an array back. One that is not of this pool's sizes is left to the garbage collector.</summary>
    public override void Return(byte[] array, bool clearArray = false)
    {
        ArgumentNullException.ThrowIfNull(array);
        if (clearArray) Array.Clear(array);
        if (array.Length is < MinSize or > MaxSize || !BitOperations.IsPow2(array.Length)) return;
        _buckets[IndexOf(array.Length)].Return(array);
    }

    /// <summary>Lets go of half of what nobody has needed since the last call. To be called every few seconds.</summary>
    internal void Trim()
    {
        foreach (Bucket bucket in _buckets) bucket.Trim();
    }

    private static int IndexOf(int size) => BitOperations.Log2((uint)Math.Max(size - 1, MinSize - 1) / (MinSize / 2));

    private static Bucket[] CreateBuckets(int maxKeptSize)
    {
        var buckets = new Bucket[IndexOf(MaxSize) + 1];
        for (int i = 0; i < buckets.Length; i++) buckets[i] = new Bucket(MinSize << i, Math.Max(maxKeptSize / (MinSize << i), 4));
        return buckets;
    }

    private sealed class Bucket(int size, int maxCount)
    {
        private readonly Lock _lock = new();
        private byte[]?[] _kept = [];
        private int _count;

        // Fewest arrays that lay here since the last trim: nobody has needed these.
        private int _idle;

        internal long KeptSize
        {
            get
            {
                lock (_lock) return (long)_count * size;
            }
        }

        internal byte[] Rent()
        {
            lock (_lock)
            {
                if (_count > 0)
                {
                    byte[] array = _kept[--_count]!;
                    _kept[_count] = null;
                    _idle = Math.Min(_idle, _count);
                    return array;
                }
            }

            return GC.AllocateUninitializedArray<byte>(size);
        }

        internal void Return(byte[] array)
        {
            lock (_lock)
            {
                if (_count == maxCount) return;
                if (_count == _kept.Length) Array.Resize(ref _kept, Math.Min(Math.Max(2 * _count, 4), maxCount));
                _kept[_count++] = array;
            }
        }

        internal void Trim()
        {
            lock (_lock)
            {
                for (int surplus = (_idle + 1) / 2; surplus > 0; surplus--) _kept[--_count] = null;
                _idle = _count;
                if (_count == 0) _kept = [];
            }
        }
    }
}
