namespace Overlay.Discovery.Kademlia.Lookups;

/// <summary>Finds request keys whose place lies in a wanted part of the keyspace. A request names bytes and not a place, so they are found by trying.</summary>
internal static class KeyPreimage
{
    /// <summary>Most leading bits that are sought: 2^18 hashes take some 50 ms.</summary>
    internal const int MaxPrefixLength = 18;

    // A sha2-256 multihash, which every implementation can read as the name of a peer.
    private const byte Sha256Code = 0x12, DigestSize = 32;

    /// <summary>Bytes whose place shares exactly <paramref name="prefixLength"/> leading bits with <paramref name="key"/>.</summary>
    internal static byte[] FindSibling(in Key key, int prefixLength, Random random)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(prefixLength, MaxPrefixLength);
        byte[] candidate = Random(random);
        while (Key.Of(candidate).CommonPrefixLength(key) != prefixLength)
        {
            // Counting up is as good as drawing anew, and cheaper.
            int i = candidate.Length - 1;
            while (++candidate[i] == 0) i--;
        }

        return candidate;
    }

    /// <summary>Bytes with a random place.</summary>
    internal static byte[] Random(Random random)
    {
        byte[] bytes = new byte[2 + DigestSize];
        random.NextBytes(bytes);
        bytes[0] = Sha256Code;
        bytes[1] = DigestSize;
        return bytes;
    }
}
