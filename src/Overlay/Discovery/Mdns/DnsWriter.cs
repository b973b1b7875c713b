using System.Buffers.Binary;

namespace Overlay.Discovery.Mdns;

/// <summary>Writes DNS messages, names compressed (RFC 1035, section 4.1.4).</summary>
internal sealed class DnsWriter
{
    private const ushort ClassIn = 1, TopBit = 0x8000;
    private const ushort Response = 0x8400; // with the bit "authoritative", as multicast answers have it (RFC 6762, section 18.4)
    private const ushort Truncated = 0x0200;

    // A pointer has 14 bits for the place.
    private const int MaxPointer = 0x3FFF;

    private readonly List<byte> _bytes = new(512);
    private readonly Dictionary<DnsName, int> _places = [];

    /// <summary>The message as one packet.</summary>
    internal static byte[] Write(DnsMessage message)
    {
        var writer = new DnsWriter();
        writer.Add(message.Id);
        writer.Add((ushort)((message.IsResponse ? Response : 0) | (message.IsTruncated ? Truncated : 0)));
        writer.Add(checked((ushort)message.Questions.Count));
        writer.Add(checked((ushort)message.Answers.Count));
        writer.Add(0);
        writer.Add(checked((ushort)message.Additionals.Count));
        foreach (DnsQuestion question in message.Questions)
        {
            writer.Add(question.Name);
            writer.Add((ushort)question.Type);
            writer.Add((ushort)(ClassIn | (question.WantsUnicast ? TopBit : 0)));
        }

        foreach (DnsRecord record in message.Answers) writer.Add(record);
        foreach (DnsRecord record in message.Additionals) writer.Add(record);
        return [.. writer._bytes];
    }

    private void Add(DnsRecord record)
    {
        Add(record.Name);
        Add((ushort)record.Type);
        Add((ushort)(ClassIn | (record.FlushesCache ? TopBit : 0)));
        Span<byte> ttl = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(ttl, record.TtlSeconds);
        _bytes.AddRange(ttl);
        int sizeAt = _bytes.Count;
        Add(0);
        Add(record.Data ?? throw new InvalidOperationException($"A record of type {record.Type} cannot be written."));
        ushort size = checked((ushort)(_bytes.Count - sizeAt - 2));
        _bytes[sizeAt] = (byte)(size >> 8);
        _bytes[sizeAt + 1] = (byte)size;
    }

    private void Add(DnsData data)
    {
        switch (data)
        {
            case DnsPointer pointer:
                Add(pointer.Target);
                break;
            case DnsService service:
                Add(0); // priority
                Add(0); // weight
                Add(service.Port);
                Add(service.Target);
                break;
            case DnsText text:
                // A TXT record has at least one string, if an empty one (RFC 6763, section 6.1).
                if (text.Strings.Count == 0) _bytes.Add(0);
                foreach (byte[] part in text.Strings)
                {
                    _bytes.Add(checked((byte)part.Length));
                    _bytes.AddRange(part);
                }

                break;
            case DnsAddress address:
                _bytes.AddRange(address.Address.GetAddressBytes());
                break;
        }
    }

    private void Add(ushort value)
    {
        _bytes.Add((byte)(value >> 8));
        _bytes.Add((byte)value);
    }

    private void Add(DnsName name)
    {
        ReadOnlySpan<byte> wire = name.Wire;
        for (int at = 0; at < wire.Length; at += 1 + wire[at])
        {
            DnsName.TryCreate(wire[at..], out DnsName? rest);
            if (_places.TryGetValue(rest!, out int place))
            {
                Add((ushort)(0xC000 | place));
                return;
            }

            if (_bytes.Count <= MaxPointer) _places.Add(rest!, _bytes.Count);
            _bytes.AddRange(wire.Slice(at, 1 + wire[at]));
        }

        _bytes.Add(0);
    }
}
