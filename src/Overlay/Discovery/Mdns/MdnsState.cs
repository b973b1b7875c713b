using System.Net;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Mdns;

/// <summary>Asks for peers on the links and answers for this node (libp2p discovery/mdns; RFC 6762, RFC 6763). No I/O, no clock; not safe on several
/// threads.</summary>
/// <remarks>
/// Packets and <c>now</c> go in; what to send gathers in <see cref="TakeSends"/>, who was heard in <see cref="Peers"/>. Departures from RFC 6762: names are
/// not probed for (they are random), conflicts not looked for, and that a name has no record of some type is not said.
/// </remarks>
internal sealed class MdnsState
{
    internal const int Port = 5353;

    // Instances on one link that are asked for by name at a time.
    private const int MaxUnknownCount = 16;

    // A question with its known answers fits into one packet; who is left out of it is merely answered again.
    private const int MaxKnownAnswerCount = 16;

    private readonly MdnsOptions _options;
    private readonly Random _random;
    private readonly MdnsRecords _records;
    private readonly MdnsSightings _sightings;
    private readonly RateLimit _unicast;
    private readonly Dictionary<int, MdnsLinkState> _links = [];
    private readonly List<MdnsSend> _sends = [];
    private readonly Dictionary<MdnsRefusal, long> _refusals = [];
    private IReadOnlyList<Multiaddr> _addresses = [];

    /// <param name="self">This node.</param>
    /// <param name="peerName">A random label, 32 to 63 lower-case letters and digits, new at each start.</param>
    /// <param name="options">Limits and times.</param>
    /// <param name="random">Of the delays.</param>
    internal MdnsState(PeerId self, string peerName, MdnsOptions options, Random random)
    {
        _options = options;
        _random = random;
        _records = new MdnsRecords(options.ServiceName, peerName, options.TimeToLive);
        _sightings = new MdnsSightings(self, options);
        _unicast = new RateLimit(options.UnicastAnswersPerSecond, options.UnicastAnswersPerSecond);
    }

    /// <summary>Every peer heard whose answer holds.</summary>
    internal IReadOnlyList<MdnsPeer> Peers => _sightings.Peers;

    /// <summary>What was not used, by reason.</summary>
    internal IReadOnlyDictionary<MdnsRefusal, long> Refusals => _refusals;

    /// <summary>When <see cref="Advance"/> has something to do next.</summary>
    internal DateTimeOffset Due
    {
        get
        {
            DateTimeOffset due = _sightings.NextExpiry ?? DateTimeOffset.MaxValue;
            foreach (MdnsLinkState link in _links.Values)
            {
                DateTimeOffset linkDue = link.Due(AddressesOn(link.Link).Length > 0);
                if (linkDue < due) due = linkDue;
                if (RefreshOf(link) is { } refresh && refresh < due) due = refresh;
            }

            return due;
        }
    }

    /// <summary>What there is to send since the last time.</summary>
    internal IReadOnlyList<MdnsSend> TakeSends()
    {
        MdnsSend[] sends = [.. _sends];
        _sends.Clear();
        return sends;
    }

    /// <summary>These are the links now. A new one, or one with other addresses, is asked and told at once; of one that is gone nothing is
    /// remembered.</summary>
    internal void SetLinks(IReadOnlyList<MdnsLink> links, DateTimeOffset now)
    {
        foreach (int gone in _links.Keys.Except(links.Select(link => link.Id)).ToList())
        {
            _links.Remove(gone);
            _sightings.Forget(gone);
        }

        foreach (MdnsLink link in links)
        {
            if (_links.TryGetValue(link.Id, out MdnsLinkState? known) && known.Link.IsSameAs(link)) continue;
            RateLimit packets = known?.Packets ?? new RateLimit(_options.PacketBurst, _options.PacketsPerSecond);
            _links[link.Id] = new MdnsLinkState(link, packets, now + Delay(), now + Delay());
        }
    }

    /// <summary>This node listens here now, each address ending in <c>/p2p/…</c>. On a link only those are told that belong to it.</summary>
    internal void SetAddresses(IReadOnlyList<Multiaddr> addresses, DateTimeOffset now)
    {
        if (_addresses.SequenceEqual(addresses)) return;
        _addresses = [.. addresses];
        foreach (MdnsLinkState link in _links.Values)
        {
            link.AnnouncementsLeft = MdnsLinkState.AnnouncementCount;
            link.NextAnnouncement = now + Delay();
        }
    }

    /// <summary>A packet has come.</summary>
    internal void Receive(int linkId, IPEndPoint source, ReadOnlySpan<byte> packet, DateTimeOffset now)
    {
        if (!_links.TryGetValue(linkId, out MdnsLinkState? link)) return;
        if (!link.Packets.TryTake(now)) Refuse(MdnsRefusal.Rate);
        else if (!link.Link.IsNeighbour(source.Address)) Refuse(MdnsRefusal.Source);
        else if (!DnsReader.TryRead(packet, _options.Limits, out DnsMessage? message)) Refuse(MdnsRefusal.Malformed);
        else if (!message.IsResponse) TakeQuery(link, source, message, now);
        else if (source.Port != Port) Refuse(MdnsRefusal.Source);
        else TakeResponse(link, message, now);
    }

    /// <summary>Does what is due.</summary>
    internal void Advance(DateTimeOffset now)
    {
        _sightings.Advance(now);
        foreach (MdnsLinkState link in _links.Values)
        {
            Multiaddr[] own = AddressesOn(link.Link);
            if (own.Length == 0) link.Pending = MdnsAnswer.None;
            if (own.Length > 0 && link.AnnouncementsLeft > 0 && link.NextAnnouncement <= now)
            {
                link.AnnouncementsLeft--;
                link.NextAnnouncement = now + MdnsLinkState.ShortestInterval;
                link.Pending |= MdnsAnswer.Pointer;
                link.PendingAt = now;
            }

            if (link.Pending != MdnsAnswer.None && link.PendingAt <= now)
            {
                Send(link, null, _records.Answer(link.Pending, own));
                link.Pending = MdnsAnswer.None;
                link.PendingAt = DateTimeOffset.MaxValue;
                link.LastAnswer = now;
            }

            if (link.NextQuery <= now || RefreshOf(link) <= now) Ask(link, now);
        }
    }

    /// <summary>Tells every link that this node goes.</summary>
    internal void Stop()
    {
        foreach (MdnsLinkState link in _links.Values)
            if (AddressesOn(link.Link).Length > 0) Send(link, null, _records.Goodbye());
        _links.Clear();
    }

    private void TakeQuery(MdnsLinkState link, IPEndPoint source, DnsMessage query, DateTimeOffset now)
    {
        Multiaddr[] own = AddressesOn(link.Link);
        if (own.Length == 0) return;
        bool isLegacy = source.Port != Port;
        MdnsAnswer toAll = MdnsAnswer.None, toOne = MdnsAnswer.None;
        foreach (DnsQuestion question in query.Questions)
        {
            MdnsAnswer answer = _records.AnswerTo(question);
            if (question.WantsUnicast || isLegacy) toOne |= answer;
            // Who asks for itself alone is answered so only while the others have heard of it lately (RFC 6762, section 5.4).
            if (!isLegacy && (!question.WantsUnicast || now - link.LastAnswer > _options.TimeToLive / 4)) toAll |= answer;
        }

        if (query.Answers.Any(known => IsKnown(known))) toAll &= ~MdnsAnswer.Pointer;
        if (toOne != MdnsAnswer.None)
        {
            DnsMessage answer = _records.Answer(toOne, own);
            if (_unicast.TryTake(now)) Send(link, source, isLegacy ? MdnsRecords.ForLegacy(answer, query) : answer);
            else Refuse(MdnsRefusal.Rate);
        }

        if (toAll == MdnsAnswer.None) return;
        link.Pending |= toAll;
        // More known answers may follow a question that says so (section 7.2).
        DateTimeOffset at = now + (query.IsTruncated ? TimeSpan.FromMilliseconds(400 + _random.Next(100)) : Delay());
        DateTimeOffset earliest = link.LastAnswer + MdnsLinkState.ShortestInterval;
        if (at < earliest) at = earliest;
        if (at < link.PendingAt) link.PendingAt = at;
    }

    private bool IsKnown(DnsRecord known) =>
        known is { Type: DnsType.Ptr, Data: DnsPointer pointer } && known.Name.Equals(_records.ServiceName) && pointer.Target.Equals(_records.InstanceName)
        && known.TtlSeconds >= _options.TimeToLive.TotalSeconds / 2;

    private void TakeResponse(MdnsLinkState link, DnsMessage response, DateTimeOffset now)
    {
        // go-libp2p and js-libp2p put the text into either section.
        DnsRecord[] records = [.. response.Answers, .. response.Additionals];
        DnsRecord[] texts = [.. records.Where(record => record.Type == DnsType.Txt && IsOthersInstance(record.Name))];
        foreach (DnsRecord pointing in records.Where(record => record.Type == DnsType.Ptr && record.Name.Equals(_records.ServiceName)))
        {
            if (pointing.Data is not DnsPointer { Target: { } instance } || !IsOthersInstance(instance)) continue;
            if (pointing.TtlSeconds == 0) _sightings.Withdraw(link.Link.Id, instance, now);
            else if (!texts.Any(text => text.Name.Equals(instance)) && !_sightings.Knows(link.Link.Id, instance)) AskFor(link, instance, now);
        }

        foreach (IGrouping<DnsName, DnsRecord> instance in texts.GroupBy(text => text.Name))
        {
            var all = new DnsText([.. instance.Select(record => record.Data).OfType<DnsText>().SelectMany(text => text.Strings)]);
            uint ttl = instance.Min(record => record.TtlSeconds);
            link.Unknown.Remove(instance.Key);
            if (ttl == 0) _sightings.Withdraw(link.Link.Id, instance.Key, now);
            else if (_sightings.Add(link.Link, instance.Key, all, ttl, now) is { } refusal) Refuse(refusal);
        }
    }

    private bool IsOthersInstance(DnsName name) => name.IsChildOf(_records.ServiceName) && !name.Equals(_records.InstanceName);

    private void AskFor(MdnsLinkState link, DnsName instance, DateTimeOffset now)
    {
        if (link.Unknown.Count >= MaxUnknownCount || !link.Unknown.Add(instance)) return;
        DateTimeOffset at = now + Delay();
        if (at < link.LastQuery + MdnsLinkState.ShortestInterval) at = link.LastQuery + MdnsLinkState.ShortestInterval;
        if (at < link.NextQuery) link.NextQuery = at;
    }

    private void Ask(MdnsLinkState link, DateTimeOffset now)
    {
        List<DnsQuestion> questions = [new(_records.ServiceName, DnsType.Ptr)];
        questions.AddRange(link.Unknown.Select(instance => new DnsQuestion(instance, DnsType.Txt)));
        link.Unknown.Clear();
        DnsRecord[] known =
        [
            .. _sightings.KnownAnswers(link.Link.Id, now).Take(MaxKnownAnswerCount)
                .Select(answer => new DnsRecord(_records.ServiceName, DnsType.Ptr, answer.TtlSeconds, new DnsPointer(answer.Instance))),
        ];
        Send(link, null, new DnsMessage { Questions = questions, Answers = known });
        _sightings.Asked(link.Link.Id, now);
        link.LastQuery = now;
        link.NextQuery = now + link.QueryPause;
        link.QueryPause = link.QueryPause * 2 < _options.QueryInterval ? link.QueryPause * 2 : _options.QueryInterval;
    }

    // However many answers run out at once, a link is asked once a second at most.
    private DateTimeOffset? RefreshOf(MdnsLinkState link)
    {
        if (_sightings.RefreshAt(link.Link.Id) is not { } refresh) return null;
        if (link.LastQuery == DateTimeOffset.MinValue) return refresh;
        DateTimeOffset earliest = link.LastQuery + MdnsLinkState.ShortestInterval;
        return refresh > earliest ? refresh : earliest;
    }

    private Multiaddr[] AddressesOn(MdnsLink link) =>
        [.. _addresses.Where(address => address.HostAddress is { } ip && link.IsOwn(ip))];

    private void Send(MdnsLinkState link, IPEndPoint? to, DnsMessage message) => _sends.Add(new MdnsSend(link.Link.Id, to, DnsWriter.Write(message)));

    private void Refuse(MdnsRefusal reason) => _refusals[reason] = _refusals.GetValueOrDefault(reason) + 1;

    // So that a question to all is not answered by all at once (RFC 6762, section 6).
    private TimeSpan Delay() => TimeSpan.FromMilliseconds(20 + _random.Next(100));
}
