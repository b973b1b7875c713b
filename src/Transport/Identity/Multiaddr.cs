using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Overlay.Transport.Identity;

/// <summary>A self-describing network address, such as <c>/ip4/192.0.2.1/tcp/4001/p2p/12D3…</c> (github.com/multiformats/multiaddr).</summary>
/// <remarks>Immutable and always valid: every protocol is known and every value has been checked. Equal when the bytes are.</remarks>
public sealed class Multiaddr : IEquatable<Multiaddr>
{
    /// <summary>Largest address in bytes that is read or made. The longest of those in use, a garlic64 destination with a peer id, has about 450.</summary>
    public const int MaxSize = 1024;

    // Far above what an address has that leads anywhere: a relayed WebTransport address has a dozen parts. A part of two bytes costs a hundred in memory.
    private const int MaxComponentCount = 64;

    // Percent-encoding makes at most three characters of a byte, and names are short.
    private const int MaxTextLength = 4 * MaxSize;

    private readonly byte[] _bytes;
    private readonly MultiaddrComponent[] _components;
    private string? _text;

    private Multiaddr(byte[] bytes, MultiaddrComponent[] components)
    {
        _bytes = bytes;
        _components = components;
    }

    /// <summary>The binary form.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>The parts of the address in order; at least one.</summary>
    public IReadOnlyList<MultiaddrComponent> Components => _components;

    /// <summary>The peer that the address leads to: the last <c>/p2p</c>, unless it only names a relay on the way. Null when the address names none.</summary>
    public PeerId? PeerId
    {
        get
        {
            for (int i = _components.Length - 1; i >= 0; i--)
            {
                if (_components[i].Protocol == MultiaddrProtocol.P2pCircuit) return null;
                if (_components[i].Protocol == MultiaddrProtocol.P2p)
                    return PeerId.TryFromBytes(_components[i].RawValue.Span, out PeerId? peer) ? peer : null;
            }

            return null;
        }
    }

    /// <summary>The IP address that the address begins with; one mapped into IPv6 as IPv4. Null when it begins with something else.</summary>
    public IPAddress? HostAddress
    {
        get
        {
            if (_components[0].Protocol is not (MultiaddrProtocol.Ip4 or MultiaddrProtocol.Ip6)) return null;
            var ip = new IPAddress(_components[0].RawValue.Span);
            return ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip;
        }
    }

    /// <summary>The domain name that the address begins with and that must be resolved before dialling; null when it begins with something else.</summary>
    public string? HostName => HostNameKind is null ? null : _components[0].Value;

    /// <summary>Which of the four kinds of domain name the address begins with (<see cref="MultiaddrProtocol.Dns"/>, <see cref="MultiaddrProtocol.Dns4"/>,
    /// <see cref="MultiaddrProtocol.Dns6"/>, <see cref="MultiaddrProtocol.DnsAddr"/>); null when it begins with something else.</summary>
    public MultiaddrProtocol? HostNameKind => _components[0].Protocol switch
    {
        MultiaddrProtocol.Dns or MultiaddrProtocol.Dns4 or MultiaddrProtocol.Dns6 or MultiaddrProtocol.DnsAddr => _components[0].Protocol,
        _ => null,
    };

    /// <summary>Reads the text form.</summary>
    /// <exception cref="FormatException"><paramref name="text"/> is no address, or one with a protocol that is not known, or too long.</exception>
    public static Multiaddr Parse(string text) =>
        TryParse(text, out Multiaddr? address) ? address : throw new FormatException($"'{text}' is not a multiaddr with known protocols.");

    /// <summary>Reads the text form; false for anything that <see cref="Parse"/> would refuse.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Multiaddr? address)
    {
        address = null;
        if (text is null || text.Length is 0 or > MaxTextLength || text[0] != '/') return false;
        string[] parts = text.TrimEnd('/').Split('/');
        var bytes = new ArrayBufferWriter<byte>();
        for (int i = 1; i < parts.Length; i++)
        {
            if (MultiaddrTable.Find(parts[i]) is not { } row) return false;
            string value = "";
            if (row.Format.TakesRest)
            {
                value = "/" + string.Join('/', parts[(i + 1)..]);
                i = parts.Length;
            }
            else if (row.Size != 0)
            {
                if (++i == parts.Length) return false;
                value = parts[i];
            }

            if (!row.Format.TryParse(value, out byte[]? raw)) return false;
            Append(bytes, row, raw);
        }

        // One path decides what an address is: the bytes are checked as a peer's would be.
        return TryFromBytes(bytes.WrittenSpan, out address);
    }

    /// <summary>Reads the binary form.</summary>
    /// <returns>False for anything that is no whole address with known protocols and valid values, is longer than <see cref="MaxSize"/>,
    /// or has more than 64 parts. Never throws.</returns>
    public static bool TryFromBytes(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Multiaddr? address)
    {
        address = null;
        if (bytes.Length is 0 or > MaxSize) return false;
        byte[] copy = bytes.ToArray();
        var components = new List<MultiaddrComponent>(4);

        // code varint | [length varint] | value, over and over
        for (int at = 0; at < copy.Length;)
        {
            if (components.Count == MaxComponentCount) return false;
            if (Varint.TryRead(copy.AsSpan(at), out ulong code, out int codeSize) != VarintStatus.Done || MultiaddrTable.Find(code) is not { } row) return false;
            at += codeSize;
            ulong size = (ulong)row.Size;
            if (row.Size == MultiaddrTable.Variable)
            {
                if (Varint.TryRead(copy.AsSpan(at), out size, out int lengthSize) != VarintStatus.Done) return false;
                at += lengthSize;
            }

            if (size > (ulong)(copy.Length - at)) return false;
            ReadOnlyMemory<byte> raw = copy.AsMemory(at, (int)size);
            at += (int)size;
            if (!row.Format.TryPrint(raw.Span, out string? value)) return false;
            // In text nothing can follow a path, so nothing may in bytes.
            if (row.Format.TakesRest && at != copy.Length) return false;
            components.Add(new MultiaddrComponent(row.Protocol, row.Name, value, raw));
        }

        address = new Multiaddr(copy, [.. components]);
        return true;
    }

    /// <summary>The address of a TCP endpoint. An IPv4 address mapped into IPv6 becomes <c>/ip4</c>; an IPv6 zone is left out.</summary>
    public static Multiaddr FromIPEndPoint(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        IPAddress ip = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
        var bytes = new ArrayBufferWriter<byte>(24);
        Append(bytes, ip.AddressFamily == AddressFamily.InterNetwork ? MultiaddrProtocol.Ip4 : MultiaddrProtocol.Ip6, ip.GetAddressBytes());
        Append(bytes, MultiaddrProtocol.Tcp, [(byte)(endPoint.Port >> 8), (byte)endPoint.Port]);
        return FromValidBytes(bytes.WrittenSpan);
    }

    /// <summary>The TCP endpoint that the address begins with: <c>/ip4/…/tcp/…</c> or <c>/ip6/…/tcp/…</c>, whatever follows. False when it begins otherwise.</summary>
    public bool TryGetIPEndPoint([NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        if (_components.Length < 2 || _components[1].Protocol != MultiaddrProtocol.Tcp) return false;
        if (_components[0].Protocol is not (MultiaddrProtocol.Ip4 or MultiaddrProtocol.Ip6)) return false;
        ReadOnlySpan<byte> port = _components[1].RawValue.Span;
        endPoint = new IPEndPoint(new IPAddress(_components[0].RawValue.Span), (port[0] << 8) | port[1]);
        return true;
    }

    /// <summary>The address without the <c>/p2p</c> at its end; itself when it has none there.</summary>
    /// <exception cref="InvalidOperationException">The address is nothing but that <c>/p2p</c>.</exception>
    public Multiaddr WithoutPeerId()
    {
        if (_components[^1].Protocol != MultiaddrProtocol.P2p) return this;
        if (_components.Length == 1) throw new InvalidOperationException("The address only names a peer, so without it nothing is left.");
        return FromValidBytes(_bytes.AsSpan(0, EndOf(_components.Length - 2)));
    }

    /// <summary>The address with <paramref name="peerId"/> at its end, in place of another <c>/p2p</c> there.</summary>
    /// <exception cref="InvalidOperationException">The address would be longer than <see cref="MaxSize"/> or have more than 64 parts, or it ends in a path.</exception>
    public Multiaddr WithPeerId(PeerId peerId)
    {
        ArgumentNullException.ThrowIfNull(peerId);
        int kept = _components[^1].Protocol == MultiaddrProtocol.P2p ? EndOf(_components.Length - 2) : _bytes.Length;
        var bytes = new ArrayBufferWriter<byte>(_bytes.Length + 48);
        bytes.Write(_bytes.AsSpan(0, kept));
        Append(bytes, MultiaddrProtocol.P2p, peerId.Bytes);
        return TryFromBytes(bytes.WrittenSpan, out Multiaddr? address)
            ? address
            : throw new InvalidOperationException($"No peer id fits behind '{this}'.");
    }

    /// <summary>The canonical text form, which <see cref="Parse"/> reads back to the same bytes.</summary>
    public override string ToString()
    {
        if (_text is not null) return _text;
        var builder = new StringBuilder();
        foreach (MultiaddrComponent component in _components) builder.Append(component);
        return _text = builder.ToString();
    }

    /// <inheritdoc/>
    public bool Equals(Multiaddr? other) => other is not null && _bytes.AsSpan().SequenceEqual(other._bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Multiaddr);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>Whether two addresses are the same.</summary>
    public static bool operator ==(Multiaddr? left, Multiaddr? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether two addresses differ.</summary>
    public static bool operator !=(Multiaddr? left, Multiaddr? right) => !(left == right);

    private static Multiaddr FromValidBytes(ReadOnlySpan<byte> bytes) =>
        TryFromBytes(bytes, out Multiaddr? address) ? address : throw new InvalidOperationException("The parts of the address do not fit together.");

    private static void Append(ArrayBufferWriter<byte> bytes, MultiaddrProtocol protocol, ReadOnlySpan<byte> raw) =>
        Append(bytes, MultiaddrTable.Find((ulong)protocol)!, raw);

    private static void Append(ArrayBufferWriter<byte> bytes, MultiaddrRow row, ReadOnlySpan<byte> raw)
    {
        bytes.Advance(Varint.Write(bytes.GetSpan(Varint.MaxSize), (ulong)row.Protocol));
        if (row.Size == MultiaddrTable.Variable) bytes.Advance(Varint.Write(bytes.GetSpan(Varint.MaxSize), (ulong)raw.Length));
        bytes.Write(raw);
    }

    // Where a component's bytes end: its value is a slice of the address's own array. Before the first, 0.
    private int EndOf(int index)
    {
        if (index < 0) return 0;
        int at = 0;
        for (int i = 0; i <= index; i++)
        {
            int rawSize = _components[i].RawValue.Length;
            at += Varint.Size((ulong)_components[i].Protocol) + rawSize;
            if (MultiaddrTable.Find((ulong)_components[i].Protocol)!.Size == MultiaddrTable.Variable) at += Varint.Size((ulong)rawSize);
        }

        return at;
    }
}
