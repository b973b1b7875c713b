using Overlay.Transport.Identity;

namespace Overlay.TestKit.HostilePeers;

/// <summary>Protobuf fields written out by hand, well formed or not.</summary>
public static class HandProtobuf
{
    /// <summary>A field of bytes: tag, length, content.</summary>
    public static byte[] Field(int number, ReadOnlySpan<byte> content)
    {
        byte[] head = new byte[2 * Varint.MaxSize];
        int size = Varint.Write(head, (ulong)number << 3 | 2);
        size += Varint.Write(head.AsSpan(size), (ulong)content.Length);
        return [.. head.AsSpan(0, size), .. content];
    }

    /// <summary>A field of bytes that announces <paramref name="length"/> of them and brings none.</summary>
    public static byte[] Announce(int number, ulong length)
    {
        byte[] head = new byte[2 * Varint.MaxSize];
        int size = Varint.Write(head, (ulong)number << 3 | 2);
        return [.. head.AsSpan(0, size + Varint.Write(head.AsSpan(size), length))];
    }

    /// <summary>Groups of an unknown field, opened inside one another and never closed.</summary>
    public static byte[] OpenGroups(int number, int depth)
    {
        byte[] groups = new byte[depth];
        Array.Fill(groups, (byte)(number << 3 | 3));
        return groups;
    }

    /// <summary>A message with its varint length before it.</summary>
    public static byte[] Prefixed(ReadOnlySpan<byte> message)
    {
        byte[] head = new byte[Varint.MaxSize];
        return [.. head.AsSpan(0, Varint.Write(head, (ulong)message.Length)), .. message];
    }
}
