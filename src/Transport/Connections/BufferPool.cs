using System.Buffers;
using System.Numerics;

namespace Overlay.Transport.Connections;

/// <summary>The byte arrays of one host's connections: powers of two, kept for reuse up to a stated size and given back to the system when they lie idle.</summary>
/// <remarks>
/// The shared pool of .NET keeps arrays by thread and by core. Here one thread rents what another returns, all the time, and the few arrays kept for each
/// core are passed by the first burst: what does not fit is garbage, and arrays of this size are collected with the oldest generation. One stack for each
/// size has no such borders. A connection that ends may give back all that its peer's budget allows: were it not kept, one that comes in its place would
/// take as much anew before the collector sees a reason to look.
/// Safe on several threads; a lock for each size, held for a push or a pop.
/// </remarks>
/// <param name="maxKeptSize">Bytes kept in all.</param>
internal sealed class BufferPool(long maxKeptSize = 48L << 20) : ArrayPool<byte>
{
    private const int MinSize = 1 << 9;
    private const int MaxSize = 1 << 22;

    private readonly Bucket[] _buckets = CreateBuckets();
    private long _keptSize;

    /// <summary>Bytes in arrays that wait here to be rented.</summary>
    internal long KeptSize => Interlocked.Read(ref _keptSize);

    /// <summary>An array of at least <paramref name="minimumLength"/> bytes, of the next power of two; its content is of no meaning.</summary>
    public override byte[] Rent(int minimumLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumLength);
        if (minimumLength > MaxSize) return GC.AllocateUninitializedArray<byte>(minimumLength);
        int index = IndexOf(minimumLength);
        if (_buckets[index].TryTake() is not { } kept) return GC.AllocateUninitializedArray<byte>(MinSize << index);
        Interlocked.Add(ref _keptSize, -kept.Length);
        return kept;
    }

    /// <summary>Takes an array back. One that is not of this pool's sizes is left to the garbage collector.</summary>
    public override void Return(byte[] array, bool clearArray = false)
    {
        ArgumentNullException.ThrowIfNull(array);
        if (clearArray) Array.Clear(array);
        if (array.Length is < MinSize or > MaxSize || !BitOperations.IsPow2(array.Length)) return;
        // Counted before it is there to be taken, so that the sum never falls short of what is kept.
        if (Interlocked.Add(ref _keptSize, array.Length) > maxKeptSize) Interlocked.Add(ref _keptSize, -array.Length);
        else _buckets[IndexOf(array.Length)].Keep(array);
    }

    /// <summary>Lets go of half of what nobody has needed since the last call. To be called every few seconds.</summary>
    internal void Trim()
    {
        for (int i = 0; i < _buckets.Length; i++) Interlocked.Add(ref _keptSize, -(long)_buckets[i].Trim() * (MinSize << i));
    }

    private static int IndexOf(int size) => BitOperations.Log2((uint)Math.Max(size - 1, MinSize - 1) / (MinSize / 2));

    private static Bucket[] CreateBuckets()
    {
        var buckets = new Bucket[IndexOf(MaxSize) + 1];
        for (int i = 0; i < buckets.Length; i++) buckets[i] = new Bucket();
        return buckets;
    }

    private sealed class Bucket
    {
        private readonly Lock _lock = new();
        private byte[]?[] _kept = [];
        private int _count;

        // Fewest arrays that lay here since the last trim: nobody has needed these.
        private int _idle;

        internal byte[]? TryTake()
        {
            lock (_lock)
            {
                if (_count == 0) return null;
                byte[] array = _kept[--_count]!;
                _kept[_count] = null;
                _idle = Math.Min(_idle, _count);
                return array;
            }
        }

        internal void Keep(byte[] array)
        {
            lock (_lock)
            {
                if (_count == _kept.Length) Array.Resize(ref _kept, Math.Max(2 * _count, 4));
                _kept[_count++] = array;
            }
        }

        /// <returns>How many arrays were let go.</returns>
        internal int Trim()
        {
            lock (_lock)
            {
                int surplus = (_idle + 1) / 2;
                for (int i = 0; i < surplus; i++) _kept[--_count] = null;
                _idle = _count;
                if (_count == 0) _kept = [];
                return surplus;
            }
        }
    }
}
