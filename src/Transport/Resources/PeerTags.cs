using Overlay.Transport.Identity;

namespace Overlay.Transport.Resources;

/// <summary>What peers are worth to this node, and which it never lets go: tags and protections given by its own code, in a table of bounded size.</summary>
/// <remarks>Safe on several threads. A peer without either is worth 0 and not in the table. Tags outlive connections.</remarks>
internal sealed class PeerTags(TrimOptions options)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PeerId, Entry> _entries = [];

    internal int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>Sets a tag's value; false when the peer or the table has no room for one more.</summary>
    internal bool TryTag(PeerId peer, string tag, int value)
    {
        lock (_lock)
        {
            if (FindOrAdd(peer) is not { } entry) return false;
            if (!entry.Tags.ContainsKey(tag) && entry.Tags.Count >= options.MaxTagsPerPeer) return false;
            entry.Tags[tag] = value;
            return true;
        }
    }

    internal void Untag(PeerId peer, string tag)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(peer, out Entry? entry)) return;
            entry.Tags.Remove(tag);
            ForgetIfEmpty(peer, entry);
        }
    }

    /// <summary>Protects a peer until the same tag is taken away; false when the peer or the table has no room for one more.</summary>
    internal bool TryProtect(PeerId peer, string tag)
    {
        lock (_lock)
        {
            if (FindOrAdd(peer) is not { } entry) return false;
            if (!entry.Protections.Contains(tag) && entry.Protections.Count >= options.MaxTagsPerPeer) return false;
            entry.Protections.Add(tag);
            return true;
        }
    }

    /// <summary>Takes one protection away.</summary>
    /// <returns>Whether the peer is still protected by another.</returns>
    internal bool Unprotect(PeerId peer, string tag)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(peer, out Entry? entry)) return false;
            entry.Protections.Remove(tag);
            ForgetIfEmpty(peer, entry);
            return entry.Protections.Count > 0;
        }
    }

    /// <summary>What a peer is worth, and whether it is protected.</summary>
    internal (int Value, bool IsProtected) Weigh(PeerId peer)
    {
        lock (_lock) return _entries.TryGetValue(peer, out Entry? entry) ? (entry.Value, entry.Protections.Count > 0) : (0, false);
    }

    private Entry? FindOrAdd(PeerId peer)
    {
        if (_entries.TryGetValue(peer, out Entry? entry)) return entry;
        if (_entries.Count >= options.MaxTaggedPeerCount) return null;
        _entries.Add(peer, entry = new Entry());
        return entry;
    }

    private void ForgetIfEmpty(PeerId peer, Entry entry)
    {
        if (entry.Tags.Count == 0 && entry.Protections.Count == 0) _entries.Remove(peer);
    }

    private sealed class Entry
    {
        internal Dictionary<string, int> Tags { get; } = new(StringComparer.Ordinal);

        internal HashSet<string> Protections { get; } = new(StringComparer.Ordinal);

        // A sum of many large tags must not wrap round to worthless.
        internal int Value => (int)Math.Clamp(Tags.Values.Sum(value => (long)value), int.MinValue, int.MaxValue);
    }
}
