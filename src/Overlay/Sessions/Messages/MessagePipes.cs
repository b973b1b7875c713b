using System.IO.Pipelines;
using Overlay.Transport.Connections;

namespace Overlay.Sessions.Messages;

/// <summary>Messages on a stream: each preceded by its length as an unsigned varint, at most 64 KiB long.</summary>
internal static class MessagePipes
{
    /// <summary>Largest message of any of our protocols, in bytes.</summary>
    internal const int MaxSize = 64 * 1024;

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
        return LengthPrefixed.Frame(message);
    }

    /// <summary>Reads one message; null at an end between two messages. What follows it stays in the pipe.</summary>
    /// <exception cref="SessionException">A length over <paramref name="maxSize"/> or not in its shortest form, or an end within a message.</exception>
    internal static ValueTask<byte[]?> ReadMessageAsync(this PipeReader input, int maxSize, CancellationToken cancellationToken) =>
        LengthPrefixed.ReadAsync(input, maxSize, ErrorOf, cancellationToken);

    private static SessionException ErrorOf(LengthPrefixedStatus status, int maxSize) => status switch
    {
        LengthPrefixedStatus.Malformed => new(SessionError.Malformed, "A message's length is not an unsigned varint in its shortest form."),
        LengthPrefixedStatus.Oversized => new(SessionError.Malformed, $"A message was announced that is longer than the {maxSize} bytes allowed."),
        _ => new(SessionError.ConnectionLost, "The stream ended within a message."),
    };
}
