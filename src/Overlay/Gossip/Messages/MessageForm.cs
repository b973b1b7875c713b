using System.Buffers.Binary;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Messages;

/// <summary>What can be said of a message before its signature is looked at.</summary>
internal enum FormFault
{
    None = 0,

    /// <summary>Some implementations would find its signature good and others bad; whoever passed it on may have found it good.</summary>
    NotCanonical,

    /// <summary>A field is missing that the signature policy asks for, or there that it forbids, or holds nothing sensible.</summary>
    BadFields,
}

/// <summary>Checks a message's fields against the signature policy: cheap, and before any cryptography.</summary>
internal static class MessageForm
{
    private const int SequenceSize = sizeof(ulong);

    internal static FormFault Check(WireMessage message, GossipSigning signing, out PeerId? author, out PeerPublicKey? key)
    {
        FormFault fault = CheckFields(message, signing, out author, out key);
        return message.IsCanonical ? fault : FormFault.NotCanonical;
    }

    /// <summary>The same for a message in any encoding.</summary>
    internal static FormFault CheckFields(WireMessage message, GossipSigning signing, out PeerId? author, out PeerPublicKey? key)
    {
        author = null;
        key = null;
        if (signing == GossipSigning.StrictNoSign) return message.HasAuthorFields ? FormFault.BadFields : FormFault.None;
        if (!message.HasSignedFields || message.Sequence.Length != SequenceSize || !PeerId.TryFromBytes(message.From.Span, out author)) return FormFault.BadFields;
        if (message.Key.IsEmpty) return author.TryGetPublicKey(out key) ? FormFault.None : FormFault.BadFields;
        return PeerPublicKey.TryDecode(message.Key.Span, out key) && key.ToPeerId() == author ? FormFault.None : FormFault.BadFields;
    }

    internal static ulong SequenceOf(WireMessage message) =>
        message.Sequence.Length == SequenceSize ? BinaryPrimitives.ReadUInt64BigEndian(message.Sequence.Span) : 0;
}
