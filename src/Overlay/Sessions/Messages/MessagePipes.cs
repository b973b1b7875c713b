using System.Buffers;
using System.IO.Pipelines;

namespace Overlay.Sessions.Messages;

/// <summary>Messages on a stream: each preceded by its length as an unsigned varint, at most 64 KiB long.</summary>
internal static class MessagePipes
{
    /// <summary>Largest message of any of our protocols, in bytes.</summary>
    internal const int MaxSize = 64 * 1024;

    // 64 KiB needs three groups of seven bits.
    private const int MaxPrefixSize = 3;

    /// <summary>Writes one message with its length and flushes.</summary>
    internal static async ValueTask WriteMessageAsync(this PipeWriter output, byte[] message, CancellationToken cancellationToken)
    {
        FlushResult flushed = await output.WriteAsync(Frame(message), cancellationToken).ConfigureAwait(false);
        if (flushed.IsCompleted || flushed.IsCanceled) throw new SessionException(SessionError.ConnectionLost, "The other side takes no more messages.");
    }

    /// <summary>A message with its length before it.</summary>
    internal static byte[] Frame(byte[] message)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(message.Length, MaxSize, nameof(message));
        Span<byte> prefix = stackalloc byte[MaxPrefixSize];
        int size = 0;
        uint rest = (uint)message.Length;
        for (; rest >= 0x80; rest >>= 7) prefix[size++] = (byte)(rest | 0x80);
        prefix[size++] = (byte)rest;
        return [.. prefix[..size], .. message];
    }

    /// <summary>Reads one message; null at an end between two messages. What follows it stays in the pipe.</summary>
    /// <exception cref="SessionException">A length over <paramref name="maxSize"/> or not in its shortest form, or an end within a message.</exception>
    internal static async ValueTask<byte[]?> ReadMessageAsync(this PipeReader input, int maxSize, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (read.IsCanceled)
            {
                input.AdvanceTo(buffer.Start);
                throw new OperationCanceledException();
            }

            if (!TryReadPrefix(buffer, out int size, out int prefixSize))
            {
                input.AdvanceTo(buffer.Start);
                throw new SessionException(SessionError.Malformed, "A message's length is not an unsigned varint in its shortest form.");
            }

            if (size > maxSize)
            {
                input.AdvanceTo(buffer.Start);
                throw new SessionException(SessionError.Malformed, $"A message of {size} bytes was announced; at most {maxSize} are allowed.");
            }

            if (prefixSize != 0 && buffer.Length >= prefixSize + size)
            {
                byte[] message = buffer.Slice(prefixSize, size).ToArray();
                input.AdvanceTo(buffer.GetPosition(prefixSize + size));
                return message;
            }

            input.AdvanceTo(buffer.Start, buffer.End);
            if (!read.IsCompleted) continue;
            if (buffer.IsEmpty) return null;
            throw new SessionException(SessionError.ConnectionLost, "The stream ended within a message.");
        }
    }

    // prefixSize is 0 while the length is not yet whole; false for a length that can never be.
    private static bool TryReadPrefix(in ReadOnlySequence<byte> buffer, out int size, out int prefixSize)
    {
        size = 0;
        prefixSize = 0;
        Span<byte> head = stackalloc byte[MaxPrefixSize];
        int available = (int)Math.Min(buffer.Length, MaxPrefixSize);
        buffer.Slice(0, available).CopyTo(head);
        for (int i = 0; i < available; i++)
        {
            size |= (head[i] & 0x7F) << (7 * i);
            if (head[i] >= 0x80) continue;
            prefixSize = i + 1;
            return head[i] != 0 || i == 0;
        }

        size = 0;
        return available < MaxPrefixSize;
    }
}
