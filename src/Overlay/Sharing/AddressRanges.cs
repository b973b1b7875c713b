using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Overlay.Sharing;

/// <summary>Networks of one family each as sorted ranges without overlaps, for a search in the logarithm of their number. Immutable.</summary>
/// <remarks>Compares bits and nothing else: an IPv4-mapped address is an IPv6 address.</remarks>
internal sealed class AddressRanges
{
    private readonly (UInt128 First, UInt128 Last)[] _v4;
    private readonly (UInt128 First, UInt128 Last)[] _v6;

    internal AddressRanges(IEnumerable<IPNetwork> networks)
    {
        ILookup<bool, IPNetwork> families = networks.ToLookup(network => network.BaseAddress.AddressFamily == AddressFamily.InterNetwork);
        _v4 = Join(families[true], 32);
        _v6 = Join(families[false], 128);
    }

    internal bool IsEmpty => _v4.Length + _v6.Length == 0;

    internal bool Contains(IPAddress address)
    {
        (UInt128 First, UInt128 Last)[] ranges = address.AddressFamily == AddressFamily.InterNetwork ? _v4 : _v6;
        UInt128 bits = BitsOf(address);
        int low = 0, high = ranges.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ranges[middle].Last < bits) low = middle + 1;
            else high = middle;
        }

        return low < ranges.Length && ranges[low].First <= bits;
    }

    private static (UInt128 First, UInt128 Last)[] Join(IEnumerable<IPNetwork> networks, int size)
    {
        var joined = new List<(UInt128 First, UInt128 Last)>();
        foreach ((UInt128 first, UInt128 last) in networks.Select(network => RangeOf(network, size)).OrderBy(range => range.First))
        {
            if (joined.Count > 0 && first <= joined[^1].Last) joined[^1] = (joined[^1].First, UInt128.Max(joined[^1].Last, last));
            else joined.Add((first, last));
        }

        return [.. joined];
    }

    private static (UInt128 First, UInt128 Last) RangeOf(IPNetwork network, int size)
    {
        UInt128 first = BitsOf(network.BaseAddress);
        int hostBits = size - network.PrefixLength;
        return (first, hostBits == 128 ? UInt128.MaxValue : first | ((UInt128.One << hostBits) - 1));
    }

    private static UInt128 BitsOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        return written == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
