using System.IO.Pipelines;
using Overlay.Transport.Connections;

namespace Overlay.Discovery.Kademlia.Wire;

/// <summary>Messages with an unsigned varint length in front (kad-dht specification, "RPC messages").</summary>
internal static class MessageFrames
{
    /// <summary>Reads one message; null at an end between two messages.</summary>
    /// <exception cref="InvalidDataException">A length over <paramref name="maxSize"/> or not in its shortest form, or an end within a message.</exception>
    internal static ValueTask<byte[]?> ReadAsync(PipeReader input, int maxSize, CancellationToken cancellationToken) =>
        LengthPrefixed.ReadAsync(input, maxSize, ErrorOf, cancellationToken);

    private static InvalidDataException ErrorOf(LengthPrefixedStatus status, int maxSize) => new(status switch
    {
        LengthPrefixedStatus.Malformed => "A message's length is no varint in its shortest form.",
        LengthPrefixedStatus.Oversized => $"A message of more than the {maxSize} bytes allowed was announced.",
        _ => "The stream ended within a message.",
    });
}
