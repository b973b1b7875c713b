using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Overlay.Discovery.Reachability;

/// <summary>Protobuf messages on a stream, each preceded by its length as an unsigned varint (AutoNAT v2 specification, "RPC Messages").</summary>
internal static class AutoNatPipes
{
    /// <summary>Largest message read, in bytes: 8 KiB. Addresses of a request, or 4,096 bytes of data, fit with room to spare.</summary>
    internal const int MaxMessageSize = 8 * 1024;

    // 8 KiB needs two groups of seven bits.
    private const int MaxPrefixSize = 2;

    internal static async ValueTask WriteAsync(this PipeWriter output, IMessage message, CancellationToken cancellationToken)
    {
        int size = message.CalculateSize();
        FlushResult flushed = await output.WriteAsync(Frame(message, size), cancellationToken).ConfigureAwait(false);
        if (flushed.IsCompleted || flushed.IsCanceled) throw new AutoNatException("The other side takes no more messages.");
    }

    /// <summary>Reads one message.</summary>
    /// <exception cref="AutoNatException">It is longer than allowed, none of its kind, or the stream ends.</exception>
    internal static async ValueTask<T> ReadAsync<T>(this PipeReader input, MessageParser<T> parser, CancellationToken cancellationToken)
        where T : IMessage<T>
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (read.IsCanceled) throw new OperationCanceledException();
            if (TryReadPrefix(buffer, out int size, out int prefixSize) && buffer.Length >= prefixSize + size)
            {
                try
                {
                    return parser.ParseFrom(buffer.Slice(prefixSize, size));
                }
                catch (InvalidProtocolBufferException e)
                {
                    throw new AutoNatException("A message is no protobuf of its kind.", e);
                }
                finally
                {
                    input.AdvanceTo(buffer.GetPosition(prefixSize + size));
                }
            }

            input.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted) throw new AutoNatException("The stream ended before a message was whole.");
        }
    }

    private static byte[] Frame(IMessage message, int size)
    {
        byte[] framed = new byte[MaxPrefixSize + 1 + size];
        int at = 0;
        for (uint rest = (uint)size; ; rest >>= 7)
        {
            framed[at++] = (byte)(rest >= 0x80 ? rest | 0x80 : rest);
            if (rest < 0x80) break;
        }

        message.WriteTo(framed.AsSpan(at, size));
        return framed[..(at + size)];
    }

    // False while the length is not yet whole.
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
            if (size > MaxMessageSize || (head[i] == 0 && i > 0)) break;
            prefixSize = i + 1;
            return true;
        }

        if (available == MaxPrefixSize) throw new AutoNatException($"A message's length is not a varint in its shortest form, or over {MaxMessageSize}.");
        size = 0;
        return false;
    }
}
