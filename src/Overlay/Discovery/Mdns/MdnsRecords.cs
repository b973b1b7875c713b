using System.Net;
using System.Net.Sockets;
using System.Text;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Mdns;

/// <summary>Which of a node's records an answer holds.</summary>
[Flags]
internal enum MdnsAnswer
{
    None = 0,

    /// <summary>Service → instance.</summary>
    Pointer = 1,

    /// <summary>All services of the link → service (RFC 6763, section 9).</summary>
    Services = 2,

    /// <summary>Instance → <c>dnsaddr=…</c>.</summary>
    Text = 4,

    /// <summary>Instance → host and port.</summary>
    Service = 8,

    /// <summary>Host → IP addresses.</summary>
    Host = 16,
}

/// <summary>What a node says of itself on a link, as DNS records, and the names in them.</summary>
/// <remarks>The instance's name is random and long enough to be unique, so it is not probed for first (RFC 6762, section 8.1 leaves that to what is
/// known).</remarks>
internal sealed class MdnsRecords
{
    // A message that fits into one packet of any Ethernet, with room for IPv6 and UDP headers.
    private const int MaxMessageSize = 1400;

    // What the other records of a message take, names compressed, above what the text record has.
    private const int SizeOfOthers = 400;

    private const string Attribute = "dnsaddr=";

    private readonly uint _ttl;

    internal MdnsRecords(string serviceName, string peerName, TimeSpan timeToLive)
    {
        ServiceName = DnsName.Parse(serviceName);
        InstanceName = DnsName.Below(peerName, ServiceName);
        HostName = DnsName.Below(peerName, DnsName.Parse("p2p.local"));
        _ttl = (uint)timeToLive.TotalSeconds;
    }

    /// <summary>The question by which all services of a link are found.</summary>
    internal static DnsName ServicesName { get; } = DnsName.Parse("_services._dns-sd._udp.local");

    internal DnsName ServiceName { get; }

    internal DnsName InstanceName { get; }

    internal DnsName HostName { get; }

    /// <summary>Which records answer a question; none when it asks for nothing of ours.</summary>
    internal MdnsAnswer AnswerTo(DnsQuestion question)
    {
        MdnsAnswer answer = MdnsAnswer.None;
        if (question.Asks(ServiceName, DnsType.Ptr)) answer |= MdnsAnswer.Pointer;
        if (question.Asks(ServicesName, DnsType.Ptr)) answer |= MdnsAnswer.Services;
        if (question.Asks(InstanceName, DnsType.Txt)) answer |= MdnsAnswer.Text;
        if (question.Asks(InstanceName, DnsType.Srv)) answer |= MdnsAnswer.Service;
        if (question.Asks(HostName, DnsType.A) || question.Asks(HostName, DnsType.Aaaa)) answer |= MdnsAnswer.Host;
        return answer;
    }

    /// <summary>The message that answers, with everything else that the asker will want to know next.</summary>
    /// <param name="answer">What was asked for.</param>
    /// <param name="addresses">Where this node listens on the link, each ending in <c>/p2p/…</c>; at least one.</param>
    internal DnsMessage Answer(MdnsAnswer answer, IReadOnlyList<Multiaddr> addresses)
    {
        var answers = new List<DnsRecord>();
        var additionals = new List<DnsRecord>();
        if (answer.HasFlag(MdnsAnswer.Services)) answers.Add(new DnsRecord(ServicesName, DnsType.Ptr, _ttl, new DnsPointer(ServiceName)));
        // Last among the pointers: js-libp2p takes the last one it finds for the service's.
        if (answer.HasFlag(MdnsAnswer.Pointer)) answers.Add(new DnsRecord(ServiceName, DnsType.Ptr, _ttl, new DnsPointer(InstanceName)));
        bool tellsAll = answer.HasFlag(MdnsAnswer.Pointer);
        AddTo(answer.HasFlag(MdnsAnswer.Text), tellsAll, [Text(addresses)]);
        AddTo(answer.HasFlag(MdnsAnswer.Service), tellsAll, [Service(addresses)]);
        AddTo(answer.HasFlag(MdnsAnswer.Host), tellsAll || answer.HasFlag(MdnsAnswer.Service), Hosts(addresses));
        return new DnsMessage { IsResponse = true, Answers = answers, Additionals = additionals };

        void AddTo(bool wasAsked, bool isWanted, IEnumerable<DnsRecord> records)
        {
            if (wasAsked) answers.AddRange(records);
            else if (isWanted) additionals.AddRange(records);
        }
    }

    /// <summary>The message that takes everything back (RFC 6762, section 10.1).</summary>
    internal DnsMessage Goodbye() => new() { IsResponse = true, Answers = [new DnsRecord(ServiceName, DnsType.Ptr, 0, new DnsPointer(InstanceName))] };

    /// <summary>The same answer for an asker that speaks plain DNS: its own id and question, short lives, no word of caches (section 6.7).</summary>
    internal static DnsMessage ForLegacy(DnsMessage answer, DnsMessage query)
    {
        return answer with
        {
            Id = query.Id,
            Questions = query.Questions,
            Answers = [.. answer.Answers.Select(Short)],
            Additionals = [.. answer.Additionals.Select(Short)],
        };
        static DnsRecord Short(DnsRecord record) => record with { TtlSeconds = Math.Min(record.TtlSeconds, 10), FlushesCache = false };
    }

    /// <summary>The addresses in a text record's strings; what is none counts as refused.</summary>
    internal static (IReadOnlyList<Multiaddr> Addresses, int Refused) ReadText(DnsText text)
    {
        var addresses = new List<Multiaddr>();
        int refused = 0;
        foreach (byte[] part in text.Strings)
        {
            if (!part.AsSpan().StartsWith("dnsaddr="u8)) continue;
            if (Multiaddr.TryParse(Encoding.UTF8.GetString(part.AsSpan(Attribute.Length)), out Multiaddr? address)) addresses.Add(address);
            else refused++;
        }

        return (addresses, refused);
    }

    private DnsRecord Text(IReadOnlyList<Multiaddr> addresses)
    {
        var strings = new List<byte[]>();
        int size = 0;
        foreach (Multiaddr address in addresses)
        {
            byte[] text = Encoding.UTF8.GetBytes(Attribute + address);
            if (text.Length > byte.MaxValue || size + 1 + text.Length > MaxMessageSize - SizeOfOthers) continue;
            strings.Add(text);
            size += 1 + text.Length;
        }

        return new DnsRecord(InstanceName, DnsType.Txt, _ttl, new DnsText(strings), FlushesCache: true);
    }

    private DnsRecord Service(IReadOnlyList<Multiaddr> addresses)
    {
        int port = addresses.Select(a => a.TryGetIPEndPoint(out IPEndPoint? endPoint) ? endPoint.Port : 0).FirstOrDefault();
        return new DnsRecord(InstanceName, DnsType.Srv, _ttl, new DnsService((ushort)port, HostName), FlushesCache: true);
    }

    private IEnumerable<DnsRecord> Hosts(IReadOnlyList<Multiaddr> addresses)
    {
        foreach (IPAddress ip in addresses.Select(address => address.HostAddress).OfType<IPAddress>().Distinct()
            .Take(8))
        {
            DnsType type = ip.AddressFamily == AddressFamily.InterNetwork ? DnsType.A : DnsType.Aaaa;
            yield return new DnsRecord(HostName, type, _ttl, new DnsAddress(ip), FlushesCache: true);
        }
    }
}
