using System.Buffers;

namespace Overlay.Transport.Tests.Noise;

/// <summary>Counts what was rented and not yet returned, and refuses what was never rented from it.</summary>
internal sealed class CountingPool : ArrayPool<byte>
{
    private readonly Lock _lock = new();
    private readonly HashSet<byte[]> _rented = [];

    internal int OutstandingCount
    {
        get
        {
            lock (_lock) return _rented.Count;
        }
    }

    internal int OutstandingSize
    {
        get
        {
            lock (_lock) return _rented.Sum(array => array.Length);
        }
    }

    public override byte[] Rent(int minimumLength)
    {
        byte[] array = Shared.Rent(minimumLength);
        lock (_lock) Assert.True(_rented.Add(array));
        return array;
    }

    public override void Return(byte[] array, bool clearArray = false)
    {
        lock (_lock) Assert.True(_rented.Remove(array), "returned twice, or never rented");
        // Whoever still reads what was returned shall notice.
        array.AsSpan().Fill(0xDD);
        Shared.Return(array, clearArray);
    }
}
