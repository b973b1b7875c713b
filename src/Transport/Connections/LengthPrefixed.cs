using System.Buffers;
using System.IO.Pipelines;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Connections;

/// <summary>Messages with their length in front as an unsigned varint in its shortest form, as most libp2p protocols send them (github.com/multiformats/unsigned-varint).</summary>
public static class LengthPrefixed
{
    /// <summary>A message with its length in front.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> message)
    {
        byte[] framed = new byte[Varint.Size((ulong)message.Length) + message.Length];
        message.CopyTo(framed.AsSpan(Varint.Write(framed, (ulong)message.Length)));
        return framed;
    }

    /// <summary>Takes one message off the front of a buffer.</summary>
    /// <param name="buffer">Loses the message when there is a whole one, and nothing otherwise.</param>
    /// <param name="maxSize">The largest message allowed, in bytes. The announced length is held against it before a byte of the message is waited for or given room.</param>
    /// <param name="message">The message within the buffer; its announced length in all is the status's business.</param>
    public static LengthPrefixedStatus TryTake(ref ReadOnlySequence<byte> buffer, int maxSize, out ReadOnlySequence<byte> message)
    {
        message = default;
        Span<byte> prefix = stackalloc byte[Varint.MaxSize];
        int prefixSize = (int)Math.Min(buffer.Length, prefix.Length);
        buffer.Slice(0, prefixSize).CopyTo(prefix);
        switch (Varint.TryRead(prefix[..prefixSize], out ulong length, out int size))
        {
            case VarintStatus.NeedMore:
                // A length that takes more groups than the limit itself is over it, whatever comes.
                return prefixSize >= Varint.Size((ulong)maxSize) ? LengthPrefixedStatus.Oversized : LengthPrefixedStatus.NeedMore;
            case VarintStatus.Invalid:
                return LengthPrefixedStatus.Malformed;
        }

        if (length > (ulong)maxSize) return LengthPrefixedStatus.Oversized;
        if (buffer.Length < size + (long)length) return LengthPrefixedStatus.NeedMore;
        message = buffer.Slice(size, (long)length);
        buffer = buffer.Slice(size + (long)length);
        return LengthPrefixedStatus.Taken;
    }

    /// <summary>Reads one message; null when the stream has ended before it began. What follows it stays in the pipe.</summary>
    /// <param name="input">Where to read.</param>
    /// <param name="maxSize">The largest message allowed, in bytes.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ConnectionException">The length is malformed or over <paramref name="maxSize"/>, or the stream ended inside the message.</exception>
    public static ValueTask<byte[]?> ReadAsync(PipeReader input, int maxSize, CancellationToken cancellationToken) => ReadAsync(input, maxSize, ErrorOf, cancellationToken);

    /// <summary>The same with a protocol's own exceptions.</summary>
    /// <param name="input">Where to read.</param>
    /// <param name="maxSize">The largest message allowed, in bytes.</param>
    /// <param name="error">The exception for <see cref="LengthPrefixedStatus.Malformed"/>, <see cref="LengthPrefixedStatus.Oversized"/>, or
    /// <see cref="LengthPrefixedStatus.NeedMore"/> where the stream has ended within a message; and the largest size allowed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask<byte[]?> ReadAsync(PipeReader input, int maxSize, Func<LengthPrefixedStatus, int, Exception> error, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(error);
        while (true)
        {
            ReadResult read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (read.IsCanceled)
            {
                input.AdvanceTo(buffer.Start);
                throw new OperationCanceledException();
            }

            LengthPrefixedStatus status = TryTake(ref buffer, maxSize, out ReadOnlySequence<byte> message);
            if (status == LengthPrefixedStatus.Taken)
            {
                byte[] taken = message.ToArray();
                input.AdvanceTo(buffer.Start);
                return taken;
            }

            if (status != LengthPrefixedStatus.NeedMore)
            {
                input.AdvanceTo(buffer.Start);
                throw error(status, maxSize);
            }

            bool nothingBegan = buffer.IsEmpty;
            input.AdvanceTo(buffer.Start, buffer.End);
            if (!read.IsCompleted) continue;
            return nothingBegan ? null : throw error(status, maxSize);
        }
    }

    private static ConnectionException ErrorOf(LengthPrefixedStatus status, int maxSize) => status switch
    {
        LengthPrefixedStatus.Malformed => new(ConnectionError.ProtocolViolation, ConnectionStep.Stream, Fault.Peer, "A message's length is no valid varint."),
        LengthPrefixedStatus.Oversized => new(ConnectionError.LimitExceeded, ConnectionStep.Stream, Fault.Peer, $"A message was announced that is longer than the {maxSize} bytes allowed."),
        _ => new(ConnectionError.EndOfStream, ConnectionStep.Stream, Fault.Peer, "The stream ended in the middle of a message."),
    };
}

/// <summary>What stands at the front of a buffer.</summary>
public enum LengthPrefixedStatus
{
    /// <summary>A whole message, which was taken.</summary>
    Taken,

    /// <summary>A part of one, or nothing.</summary>
    NeedMore,

    /// <summary>The announcement of one that is larger than allowed.</summary>
    Oversized,

    /// <summary>What is no length in its shortest form.</summary>
    Malformed,
}
