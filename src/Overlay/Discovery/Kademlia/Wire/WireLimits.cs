namespace Overlay.Discovery.Kademlia.Wire;

/// <summary>Counts the peers of a message and the addresses of each in its raw bytes, so that a small message cannot become a large tree of objects.</summary>
internal static class WireLimits
{
    private const int CloserPeers = 8, ProviderPeers = 9, Addresses = 2;

    // Wire types of the protobuf encoding.
    private const int VarintType = 0, Fixed64Type = 1, LengthType = 2, Fixed32Type = 5;

    // No sender has reason for more fields than these beside the peers: one of each kind, and some of a later version.
    private const int MaxOtherFields = 32;

    /// <summary>False for what is over a limit or no protobuf.</summary>
    internal static bool Allow(ReadOnlySpan<byte> message, KademliaOptions options)
    {
        int peers = 0, others = 0;
        while (!message.IsEmpty)
        {
            if (!TryReadField(ref message, out int field, out ReadOnlySpan<byte> value)) return false;
            if (field is CloserPeers or ProviderPeers)
            {
                if (++peers > options.MaxPeersPerMessage || !AllowPeer(value, options)) return false;
            }
            else if (++others > MaxOtherFields) return false;
        }

        return true;
    }

    private static bool AllowPeer(ReadOnlySpan<byte> peer, KademliaOptions options)
    {
        int addresses = 0, others = 0;
        while (!peer.IsEmpty)
        {
            if (!TryReadField(ref peer, out int field, out _)) return false;
            if (field == Addresses ? ++addresses > options.MaxWireAddressesPerPeer : ++others > MaxOtherFields) return false;
        }

        return true;
    }

    // tag varint (field number, three bits of wire type) | value; of groups, which no message here has, none is taken
    private static bool TryReadField(ref ReadOnlySpan<byte> bytes, out int field, out ReadOnlySpan<byte> value)
    {
        field = 0;
        value = default;
        if (!TryReadVarint(ref bytes, out ulong tag) || tag > uint.MaxValue) return false;
        field = (int)(tag >> 3);
        switch ((int)(tag & 7))
        {
            case VarintType:
                return TryReadVarint(ref bytes, out _);
            case Fixed64Type:
                return TryTake(ref bytes, 8, out value);
            case LengthType:
                return TryReadVarint(ref bytes, out ulong length) && TryTake(ref bytes, length, out value);
            case Fixed32Type:
                return TryTake(ref bytes, 4, out value);
            default:
                return false;
        }
    }

    private static bool TryTake(ref ReadOnlySpan<byte> bytes, ulong size, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if (size > (ulong)bytes.Length) return false;
        taken = bytes[..(int)size];
        bytes = bytes[(int)size..];
        return true;
    }

    // Protobuf's own varints: up to ten bytes, of any form.
    private static bool TryReadVarint(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (int i = 0; i < bytes.Length && i < 10; i++)
        {
            value |= (ulong)(bytes[i] & 0x7F) << (7 * i);
            if (bytes[i] >= 0x80) continue;
            bytes = bytes[(i + 1)..];
            return true;
        }

        return false;
    }
}
