namespace Overlay.Discovery.Mdns;

/// <summary>What is due on one link, and when.</summary>
internal sealed class MdnsLinkState(MdnsLink link, RateLimit packets, DateTimeOffset firstQuery, DateTimeOffset firstAnnouncement)
{
    // Two or more announcements, a second apart at least (RFC 6762, section 8.3).
    internal const int AnnouncementCount = 2;

    /// <summary>No record goes to all of a link more often than this (section 6).</summary>
    internal static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(1);

    internal MdnsLink Link { get; set; } = link;

    internal RateLimit Packets => packets;

    internal DateTimeOffset NextQuery { get; set; } = firstQuery;

    /// <summary>From the next question to the one after it.</summary>
    internal TimeSpan QueryPause { get; set; } = TimeSpan.FromSeconds(1);

    internal DateTimeOffset LastQuery { get; set; } = DateTimeOffset.MinValue;

    internal int AnnouncementsLeft { get; set; } = AnnouncementCount;

    internal DateTimeOffset NextAnnouncement { get; set; } = firstAnnouncement;

    /// <summary>What is to be answered to all, once the others had time to answer first.</summary>
    internal MdnsAnswer Pending { get; set; }

    internal DateTimeOffset PendingAt { get; set; } = DateTimeOffset.MaxValue;

    internal DateTimeOffset LastAnswer { get; set; } = DateTimeOffset.MinValue;

    /// <summary>Instances that were named without saying where they are.</summary>
    internal HashSet<DnsName> Unknown { get; } = [];

    /// <summary>When the link next wants to send; depends on whether there is anything to announce.</summary>
    internal DateTimeOffset Due(bool hasAddresses)
    {
        DateTimeOffset due = NextQuery;
        if (hasAddresses && AnnouncementsLeft > 0 && NextAnnouncement < due) due = NextAnnouncement;
        if (Pending != MdnsAnswer.None && PendingAt < due) due = PendingAt;
        return due;
    }
}
