using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Messages;

/// <summary>Makes a message's id.</summary>
internal static class MessageIdRule
{
    /// <param name="rule">Of what.</param>
    /// <param name="message">The message.</param>
    /// <param name="key">The author's key; null without signatures.</param>
    internal static MessageId Of(GossipMessageIds rule, WireMessage message, PeerPublicKey? key) => rule switch
    {
        GossipMessageIds.FromAndSequence => new MessageId([.. message.From.Span, .. message.Sequence.Span]),
        GossipMessageIds.KeyAndSequence => new MessageId([.. key!.Encoded.Span, .. message.Sequence.Span]),
        _ => Content(message),
    };

    /// <summary>Longest id that a rule can make, in bytes.</summary>
    internal static int MaxSizeOf(GossipMessageIds rule) => rule switch
    {
        GossipMessageIds.FromAndSequence => PeerId.MaxSize + sizeof(ulong),
        GossipMessageIds.KeyAndSequence => PeerPublicKey.MaxEncodedSize + sizeof(ulong),
        _ => SHA256.HashSizeInBytes,
    };

    private static MessageId Content(WireMessage message)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // The topic with its length, so that no two pairs of topic and data run together.
        byte[] topic = Encoding.UTF8.GetBytes(message.Topic);
        Span<byte> size = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(size, topic.Length);
        hash.AppendData(size);
        hash.AppendData(topic);
        hash.AppendData(message.Data.Span);
        return new MessageId(hash.GetHashAndReset());
    }
}
