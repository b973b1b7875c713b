namespace Overlay.Gossip.Messages;

/// <summary>What a signature of a message is over: the text <c>libp2p-pubsub:</c> and the message without its signature field.</summary>
internal static class SignedBytes
{
    private static ReadOnlySpan<byte> Prefix => "libp2p-pubsub:"u8;

    internal static byte[] Of(ReadOnlySpan<byte> before, ReadOnlySpan<byte> behind)
    {
        byte[] text = new byte[Prefix.Length + before.Length + behind.Length];
        Prefix.CopyTo(text);
        before.CopyTo(text.AsSpan(Prefix.Length));
        behind.CopyTo(text.AsSpan(Prefix.Length + before.Length));
        return text;
    }
}
