using System.Buffers;
using System.IO.Pipelines;

namespace Overlay.Discovery.Kademlia.Wire;

/// <summary>Messages with an unsigned varint length in front (kad-dht specification, "RPC messages").</summary>
internal static class MessageFrames
{
    // The largest message that options allow, 4 MiB, needs four groups of seven bits.
    private const int MaxPrefixSize = 4;

    /// <summary>A message with its length before it.</summary>
    internal static byte[] Frame(byte[] message)
    {
        Span<byte> prefix = stackalloc byte[5];
        int size = 0;
        uint rest = (uint)message.Length;
        for (; rest >= 0x80; rest >>= 7) prefix[size++] = (byte)(rest | 0x80);
        prefix[size++] = (byte)rest;
        return [.. prefix[..size], .. message];
    }

    /// <summary>Reads one message; null at an end between two messages.</summary>
    /// <exception cref="InvalidDataException">A length over <paramref name="maxSize"/> or not in its shortest form, or an end within a message.</exception>
    internal static async ValueTask<byte[]?> ReadAsync(PipeReader input, int maxSize, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (!TryReadLength(buffer, out int length, out int prefixSize) || length > maxSize)
            {
                input.AdvanceTo(buffer.Start);
                throw new InvalidDataException(prefixSize == 0 ? "A message's length is no varint in its shortest form." : $"A message of {length} bytes was announced, {maxSize} are allowed.");
            }

            if (prefixSize != 0 && buffer.Length >= prefixSize + length)
            {
                byte[] message = buffer.Slice(prefixSize, length).ToArray();
                input.AdvanceTo(buffer.GetPosition(prefixSize + length));
                return message;
            }

            bool isEmpty = buffer.IsEmpty;
            input.AdvanceTo(buffer.Start, buffer.End);
            if (!read.IsCompleted) continue;
            return isEmpty ? null : throw new InvalidDataException("The stream ended within a message.");
        }
    }

    // prefixSize is 0 while the length is not yet whole; false for a length that can never be.
    private static bool TryReadLength(in ReadOnlySequence<byte> buffer, out int length, out int prefixSize)
    {
        length = 0;
        prefixSize = 0;
        Span<byte> head = stackalloc byte[MaxPrefixSize];
        int available = (int)Math.Min(buffer.Length, MaxPrefixSize);
        buffer.Slice(0, available).CopyTo(head);
        for (int i = 0; i < available; i++)
        {
            length |= (head[i] & 0x7F) << (7 * i);
            if (head[i] >= 0x80) continue;
            prefixSize = i + 1;
            return head[i] != 0 || i == 0;
        }

        length = 0;
        return available < MaxPrefixSize;
    }
}
