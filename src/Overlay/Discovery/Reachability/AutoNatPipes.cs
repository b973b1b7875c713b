using System.IO.Pipelines;
using Google.Protobuf;
using Overlay.Transport.Connections;

namespace Overlay.Discovery.Reachability;

/// <summary>Protobuf messages on a stream, each preceded by its length as an unsigned varint (AutoNAT v2 specification, "RPC Messages").</summary>
internal static class AutoNatPipes
{
    /// <summary>Largest message read, in bytes: 8 KiB. Addresses of a request, or 4,096 bytes of data, fit with room to spare.</summary>
    internal const int MaxMessageSize = 8 * 1024;

    internal static async ValueTask WriteAsync(this PipeWriter output, IMessage message, CancellationToken cancellationToken)
    {
        FlushResult flushed = await output.WriteAsync(LengthPrefixed.Frame(message.ToByteArray()), cancellationToken).ConfigureAwait(false);
        if (flushed.IsCompleted || flushed.IsCanceled) throw new AutoNatException("The other side takes no more messages.");
    }

    /// <summary>Reads one message.</summary>
    /// <exception cref="AutoNatException">It is longer than allowed, none of its kind, or the stream ends.</exception>
    internal static async ValueTask<T> ReadAsync<T>(this PipeReader input, MessageParser<T> parser, CancellationToken cancellationToken)
        where T : IMessage<T>
    {
        byte[] message = await LengthPrefixed.ReadAsync(input, MaxMessageSize, ErrorOf, cancellationToken).ConfigureAwait(false)
            ?? throw new AutoNatException("The stream ended before a message.");
        try
        {
            return parser.ParseFrom(message);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new AutoNatException("A message is no protobuf of its kind.", e);
        }
    }

    private static AutoNatException ErrorOf(LengthPrefixedStatus status, int maxSize) => new(status switch
    {
        LengthPrefixedStatus.NeedMore => "The stream ended before a message was whole.",
        _ => $"A message's length is not a varint in its shortest form, or over {maxSize}.",
    });
}
