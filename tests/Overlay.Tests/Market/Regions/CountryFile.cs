using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Overlay.Tests.Market.Regions;

/// <summary>Writes a small file in MaxMind's form (version 2.0 of its specification): an index of 24-bit records over IPv6, IPv4 in ::/96, and one country
/// for each network.</summary>
internal sealed class CountryFile
{
    private const int Separator = 16;

    private static readonly byte[] s_marker = [0xAB, 0xCD, 0xEF, .. "MaxMind.com"u8];

    private readonly List<Node> _nodes = [new()];
    private readonly List<byte> _data = [];

    internal string Kind { get; init; } = "Test-Country";

    /// <summary>Says that a network is in a country, which is told under a key; networks must not overlap.</summary>
    internal CountryFile Add(string network, string code, string key = "country") => Add(network, Map((key, Map(("iso_code", Text(code))))));

    /// <summary>Puts a number where a network's country is due.</summary>
    internal CountryFile AddNumber(string network) => Add(network, Map(("country", Number(6, 7))));

    private CountryFile Add(string network, byte[] data)
    {
        IPNetwork read = IPNetwork.Parse(network);
        bool isV4 = read.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        byte[] bits = isV4 ? [.. new byte[12], .. read.BaseAddress.GetAddressBytes()] : read.BaseAddress.GetAddressBytes();
        int length = read.PrefixLength + (isV4 ? 96 : 0), at = 0;
        for (int i = 0; i < length; i++)
        {
            int side = bits[i / 8] >> (7 - i % 8) & 1;
            if (i == length - 1)
            {
                _nodes[at].Data[side] = _data.Count;
                break;
            }

            if (_nodes[at].Next[side] == 0)
            {
                _nodes.Add(new Node());
                _nodes[at].Next[side] = _nodes.Count - 1;
            }

            at = _nodes[at].Next[side];
        }

        _data.AddRange(data);
        return this;
    }

    internal byte[] ToArray()
    {
        var file = new List<byte>();
        foreach (Node node in _nodes)
        {
            for (int side = 0; side < 2; side++)
            {
                int record = node.Data[side] is { } data ? _nodes.Count + Separator + data : node.Next[side] == 0 ? _nodes.Count : node.Next[side];
                file.AddRange([(byte)(record >> 16), (byte)(record >> 8), (byte)record]);
            }
        }

        file.AddRange(new byte[Separator]);
        file.AddRange(_data);
        file.AddRange(s_marker);
        file.AddRange(Map(
            ("node_count", Number(6, (uint)_nodes.Count)), ("record_size", Number(5, 24)), ("ip_version", Number(5, 6)), ("database_type", Text(Kind)),
                ("languages", [0x00, 0x04]),
            ("binary_format_major_version", Number(5, 2)), ("binary_format_minor_version", Number(5, 0)),
                ("build_epoch", [0x04, 0x02, 0x65, 0x00, 0x00, 0x00]), ("description", Map())));
        return [.. file];
    }

    // A control byte is the type in three bits and the size in five; types above seven are told by a second byte, so are sizes from 29 on, which nothing
    // here has.
    private static byte[] Map(params (string Key, byte[] Value)[] pairs) =>
        [(byte)(7 << 5 | pairs.Length), .. pairs.SelectMany(pair => (byte[])[.. Text(pair.Key), .. pair.Value])];

    private static byte[] Text(string text) => [(byte)(2 << 5 | text.Length), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Number(int type, uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        byte[] shortest = [.. bytes.SkipWhile(one => one == 0)];
        return [(byte)(type << 5 | shortest.Length), .. shortest];
    }

    private sealed class Node
    {
        internal int[] Next { get; } = new int[2];

        internal int?[] Data { get; } = new int?[2];
    }
}
