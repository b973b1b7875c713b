using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Overlay.Discovery.Mdns;

/// <summary>Reads DNS messages that anybody on the network may have sent. Strict: what breaks a rule or a limit is no message.</summary>
/// <remarks>
/// RFC 1035, section 4. All numbers are big-endian:
/// <code>
///  id (2) | flags (2) | question count (2) | answer count (2) | authority count (2) | additional count (2)
///  question: name | type (2) | class (2)
///  record:   name | type (2) | class (2) | ttl (4) | data size (2) | data
///  name:     length (1) label, over and over, until a length of 0 or a pointer: 11 and 14 bits, the place where the rest of the name stands
/// </code>
/// A pointer must lead before the place where its own name began, and so must the next: every step goes back, so there is no loop.
/// </remarks>
internal ref struct DnsReader
{
    private const int HeaderSize = 12;
    private const ushort ClassIn = 1, ClassAny = 255, TopBit = 0x8000;

    // A name of 255 bytes has at most 127 labels, and a pointer before each would serve nobody.
    private const int MaxPointerCount = 16;

    private readonly ReadOnlySpan<byte> _packet;
    private int _at;

    private DnsReader(ReadOnlySpan<byte> packet)
    {
        _packet = packet;
        _at = HeaderSize;
    }

    /// <summary>Reads a message.</summary>
    /// <param name="packet">A whole packet.</param>
    /// <param name="limits">How much it may hold.</param>
    /// <param name="message">The message, when the answer is true.</param>
    /// <returns>False for anything that is no whole message, has bytes behind it, or exceeds a limit. Never throws.</returns>
    internal static bool TryRead(ReadOnlySpan<byte> packet, DnsLimits limits, [NotNullWhen(true)] out DnsMessage? message)
    {
        message = null;
        if (packet.Length < HeaderSize || packet.Length > limits.MaxPacketSize) return false;
        ushort flags = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        int questionCount = Count(packet, 4), answerCount = Count(packet, 6), authorityCount = Count(packet, 8), additionalCount = Count(packet, 10);
        // Opcode and rcode are zero in multicast DNS; messages with others are ignored (RFC 6762, sections 18.3 and 18.11).
        if ((flags & 0x780F) != 0) return false;
        if (questionCount > limits.MaxQuestionCount || answerCount + authorityCount + additionalCount > limits.MaxRecordCount) return false;

        var reader = new DnsReader(packet);
        var questions = new List<DnsQuestion>(questionCount);
        for (int i = 0; i < questionCount; i++)
        {
            if (!reader.TryReadQuestion(out DnsQuestion? question)) return false;
            if (question is { Type: not 0 }) questions.Add(question);
        }

        var answers = new List<DnsRecord>(answerCount);
        var additionals = new List<DnsRecord>(additionalCount);
        if (!reader.TryReadRecords(answerCount, answers) || !reader.TryReadRecords(authorityCount, null)
            || !reader.TryReadRecords(additionalCount, additionals)) return false;
        if (reader._at != packet.Length) return false;
        message = new DnsMessage
        {
            Id = BinaryPrimitives.ReadUInt16BigEndian(packet),
            IsResponse = (flags & 0x8000) != 0,
            IsTruncated = (flags & 0x0200) != 0,
            Questions = questions,
            Answers = answers,
            Additionals = additionals,
        };
        return true;
    }

    private static int Count(ReadOnlySpan<byte> packet, int at) => BinaryPrimitives.ReadUInt16BigEndian(packet[at..]);

    // A question of a class that is not asked for here is read over: its type is 0.
    private bool TryReadQuestion([NotNullWhen(true)] out DnsQuestion? question)
    {
        question = null;
        if (!TryReadName(_packet.Length, out DnsName? name) || !TryReadUInt16(out ushort type) || !TryReadUInt16(out ushort kind)) return false;
        bool isInternet = (kind & ~TopBit) is ClassIn or ClassAny;
        question = new DnsQuestion(name, isInternet ? (DnsType)type : 0, (kind & TopBit) != 0);
        return true;
    }

    private bool TryReadRecords(int count, List<DnsRecord>? records)
    {
        for (int i = 0; i < count; i++)
        {
            if (!TryReadName(_packet.Length, out DnsName? name) || !TryReadUInt16(out ushort type) || !TryReadUInt16(out ushort kind)) return false;
            if (_packet.Length - _at < 6) return false;
            uint ttl = BinaryPrimitives.ReadUInt32BigEndian(_packet[_at..]);
            int size = BinaryPrimitives.ReadUInt16BigEndian(_packet[(_at + 4)..]);
            _at += 6;
            if (size > _packet.Length - _at) return false;
            int end = _at + size;
            bool isInternet = (kind & ~TopBit) == ClassIn;
            DnsData? data = null;
            if (isInternet && !TryReadData((DnsType)type, end, out data)) return false;
            _at = end;
            if (isInternet) records?.Add(new DnsRecord(name, (DnsType)type, ttl, data, (kind & TopBit) != 0));
        }

        return true;
    }

    /// <summary>Reads what a record says, which must fill its room exactly; data stays null for types that are not known here.</summary>
    private bool TryReadData(DnsType type, int end, out DnsData? data)
    {
        data = null;
        switch (type)
        {
            case DnsType.Ptr:
                if (!TryReadName(end, out DnsName? pointed)) return false;
                data = new DnsPointer(pointed);
                break;
            case DnsType.Srv:
                if (end - _at < 7) return false;
                ushort port = BinaryPrimitives.ReadUInt16BigEndian(_packet[(_at + 4)..]);
                _at += 6;
                if (!TryReadName(end, out DnsName? host)) return false;
                data = new DnsService(port, host);
                break;
            case DnsType.Txt:
                var strings = new List<byte[]>();
                while (_at < end)
                {
                    int size = _packet[_at++];
                    if (size > end - _at) return false;
                    // Empty strings say nothing (RFC 6763, section 6.1).
                    if (size > 0) strings.Add(_packet.Slice(_at, size).ToArray());
                    _at += size;
                }

                data = new DnsText(strings);
                break;
            case DnsType.A or DnsType.Aaaa:
                if (end - _at != (type == DnsType.A ? 4 : 16)) return false;
                data = new DnsAddress(new IPAddress(_packet[_at..end]));
                _at = end;
                break;
            default:
                return true;
        }

        return _at == end;
    }

    private bool TryReadUInt16(out ushort value)
    {
        value = 0;
        if (_packet.Length - _at < 2) return false;
        value = BinaryPrimitives.ReadUInt16BigEndian(_packet[_at..]);
        _at += 2;
        return true;
    }

    /// <summary>Reads a name whose own bytes end before <paramref name="end"/>; where its pointers lead lies before it.</summary>
    private bool TryReadName(int end, [NotNullWhen(true)] out DnsName? name)
    {
        name = null;
        Span<byte> wire = stackalloc byte[DnsName.MaxSize];
        int at = _at, lowest = _at, size = 0, pointers = 0, limit = end;
        int? afterName = null;
        while (true)
        {
            if (at >= limit) return false;
            byte length = _packet[at];
            if (length == 0)
            {
                _at = afterName ?? at + 1;
                return DnsName.TryCreate(wire[..size], out name);
            }

            if ((length & 0xC0) == 0xC0)
            {
                if (at + 2 > limit || ++pointers > MaxPointerCount) return false;
                int target = ((length & 0x3F) << 8) | _packet[at + 1];
                afterName ??= at + 2;
                if (target >= lowest || target < HeaderSize) return false;
                at = lowest = target;
                limit = _packet.Length;
                continue;
            }

            if (length > DnsName.MaxLabelSize || at + 1 + length > limit) return false;
            // One more byte for the root.
            if (size + 1 + length >= DnsName.MaxSize) return false;
            _packet.Slice(at, 1 + length).CopyTo(wire[size..]);
            size += 1 + length;
            at += 1 + length;
        }
    }
}

/// <summary>How much a DNS message may hold.</summary>
/// <param name="MaxPacketSize">In bytes; more than 9,000 no multicast message has (RFC 6762, section 17).</param>
/// <param name="MaxQuestionCount">Questions.</param>
/// <param name="MaxRecordCount">Records of all three kinds together.</param>
internal readonly record struct DnsLimits(int MaxPacketSize, int MaxQuestionCount, int MaxRecordCount);
