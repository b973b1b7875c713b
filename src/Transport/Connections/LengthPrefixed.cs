using System.Buffers;
using System.IO.Pipelines;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Connections;

/// <summary>Messages with an unsigned varint length in front, as most libp2p protocols send them.</summary>
internal static class LengthPrefixed
{
    /// <summary>Reads one message; null when the stream has ended before it began.</summary>
    /// <exception cref="ConnectionException">The length is malformed or over <paramref name="maxSize"/>, or the stream ended inside the message.</exception>
    internal static async ValueTask<byte[]?> ReadAsync(PipeReader input, int maxSize, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (TryTake(ref buffer, maxSize, out byte[]? message))
            {
                input.AdvanceTo(buffer.Start);
                return message;
            }

            bool nothingBegan = buffer.IsEmpty;
            input.AdvanceTo(buffer.Start, buffer.End);
            if (!result.IsCompleted) continue;
            if (nothingBegan) return null;
            throw new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.Stream, Fault.Peer, "The stream ended in the middle of a message.");
        }
    }

    private static bool TryTake(ref ReadOnlySequence<byte> buffer, int maxSize, out byte[]? message)
    {
        message = null;
        Span<byte> prefix = stackalloc byte[Varint.MaxSize];
        int prefixSize = (int)Math.Min(buffer.Length, prefix.Length);
        buffer.Slice(0, prefixSize).CopyTo(prefix);
        switch (Varint.TryRead(prefix[..prefixSize], out ulong length, out int size))
        {
            case VarintStatus.NeedMore:
                return false;
            case VarintStatus.Invalid:
                throw new ConnectionException(ConnectionError.ProtocolViolation, ConnectionStep.Stream, Fault.Peer, "A message's length is no valid varint.");
        }

        // Checked before a byte of the message is waited for or given room.
        if (length > (ulong)maxSize)
            throw new ConnectionException(ConnectionError.LimitExceeded, ConnectionStep.Stream, Fault.Peer, $"A message of {length} bytes was announced, {maxSize} are allowed.");
        if (buffer.Length < size + (long)length) return false;
        message = buffer.Slice(size, (long)length).ToArray();
        buffer = buffer.Slice(size + (long)length);
        return true;
    }
}
