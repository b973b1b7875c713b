namespace Overlay.Gossip.Messages;

/// <summary>What a signature of a message is over: the text <c>libp2p-pubsub:</c> and author, data, sequence number and topic as they travel.</summary>
internal static class SignedBytes
{
    private static ReadOnlySpan<byte> Prefix => "libp2p-pubsub:"u8;

    internal static byte[] Of(ReadOnlySpan<byte> message)
    {
        byte[] text = new byte[Prefix.Length + message.Length];
        Prefix.CopyTo(text);
        message.CopyTo(text.AsSpan(Prefix.Length));
        return text;
    }
}
