using System.Buffers.Binary;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Messages;

/// <summary>Makes this node's own messages (pubsub specification, "Message Signing").</summary>
/// <param name="identity">The author.</param>
/// <param name="signing">With or without author.</param>
/// <param name="firstSequence">The sequence number of the first message. Greater than any of an earlier run: the time is, in nanoseconds.</param>
/// <remarks>Safe on several threads.</remarks>
internal sealed class MessageSigner(PeerIdentity identity, GossipSigning signing, ulong firstSequence)
{
    private long _next = unchecked((long)firstSequence);

    /// <summary>Makes a message. The key is left out: an Ed25519 PeerId carries it.</summary>
    internal byte[] Make(string topic, ReadOnlySpan<byte> data)
    {
        var writer = new ProtoWriter();
        if (signing == GossipSigning.StrictNoSign)
        {
            writer.Bytes(2, data);
            writer.Text(4, topic);
            return writer.Written.ToArray();
        }

        Span<byte> sequence = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(sequence, unchecked((ulong)(Interlocked.Increment(ref _next) - 1)));
        writer.Bytes(1, identity.PeerId.Bytes);
        writer.Bytes(2, data);
        writer.Bytes(3, sequence);
        writer.Text(4, topic);
        Span<byte> signature = stackalloc byte[64];
        identity.Sign(SignedBytes.Of(writer.Written), signature);
        writer.Bytes(5, signature);
        return writer.Written.ToArray();
    }
}
