namespace Overlay.Discovery.Kademlia.Tables;

/// <summary>The known peers at one distance, those that answered last at the end, and a few that wait for a place (Kademlia, section 2.2).</summary>
internal sealed class KBucket
{
    internal List<TableEntry> Entries { get; } = [];

    /// <summary>Peers that have answered too but found no room; the newest at the end.</summary>
    internal List<TableEntry> Waiting { get; } = [];

    /// <summary>When a lookup last went into this bucket's part of the keyspace.</summary>
    internal TimeSpan? RefreshedAt { get; set; }

    /// <summary>Whether a peer was lost and nobody has taken its place.</summary>
    internal bool HasLost { get; set; }

    internal static int IndexOf(List<TableEntry> entries, in Key key)
    {
        for (int i = 0; i < entries.Count; i++)
            if (entries[i].Contact.Key == key) return i;
        return -1;
    }

    internal int CountIn(AddressGroup group)
    {
        int count = 0;
        foreach (TableEntry entry in Entries)
            if (entry.Group == group) count++;
        return count;
    }
}

/// <summary>A peer that has answered under its own name at an address that was dialled.</summary>
internal sealed class TableEntry(Contact contact, AddressGroup? group, TimeSpan answeredAt)
{
    internal Contact Contact { get; set; } = contact;

    /// <summary>The network it was reached in; null when that is not limited.</summary>
    internal AddressGroup? Group { get; } = group;

    internal TimeSpan AnsweredAt { get; set; } = answeredAt;

    /// <summary>Requests since then that came to nothing.</summary>
    internal int Failures { get; set; }
}
