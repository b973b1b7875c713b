using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>A peer and where somebody says it can be dialled. Immutable, shared by tables, lookups and messages.</summary>
internal sealed class Contact
{
    internal Contact(PeerId id, IReadOnlyList<Multiaddr> addresses)
    {
        Id = id;
        Key = Key.Of(id);
        Addresses = addresses;
    }

    internal PeerId Id { get; }

    internal Key Key { get; }

    internal IReadOnlyList<Multiaddr> Addresses { get; }

    public override string ToString() => Id.ToString();
}
