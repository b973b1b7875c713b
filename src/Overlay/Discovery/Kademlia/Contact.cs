using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>A peer and where somebody says it can be dialled. Immutable, shared by tables, lookups and messages.</summary>
internal sealed class Contact
{
    private AddressGroup[]? _groups;

    internal Contact(PeerId id, IReadOnlyList<Multiaddr> addresses)
    {
        Id = id;
        Key = Key.Of(id);
        Addresses = addresses;
    }

    internal PeerId Id { get; }

    internal Key Key { get; }

    internal IReadOnlyList<Multiaddr> Addresses { get; }

    /// <summary>The networks that the addresses lie in, each once.</summary>
    internal ReadOnlySpan<AddressGroup> Groups => _groups ??= FindGroups();

    public override string ToString() => Id.ToString();

    private AddressGroup[] FindGroups()
    {
        var groups = new List<AddressGroup>(1);
        foreach (Multiaddr address in Addresses)
            if (AddressGroup.Of(address) is { } group && !groups.Contains(group)) groups.Add(group);
        return [.. groups];
    }
}
