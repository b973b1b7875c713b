using System.Net;
using CsCheck;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tests.Identity;

public sealed class MultiaddrTests
{
    private const string Peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
    private const string OtherPeer = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";

    [Fact]
    public void TryFromBytes_CutAnywhereInsideAComponent_IsRefused()
    {
        var address = Multiaddr.Parse($"/ip6/2001:db8::1/tcp/4001/p2p/{Peer}/p2p-circuit/dns4/example.org");
        byte[] bytes = address.Bytes.ToArray();
        int whole = 0;
        for (int size = 0; size < bytes.Length; size++)
            if (Multiaddr.TryFromBytes(bytes.AsSpan(0, size), out _)) whole++;
        // Cutting between components leaves a shorter address: after ip6, tcp, p2p and p2p-circuit.
        Assert.Equal(4, whole);
    }

    [Theory]
    [InlineData("04c000", "cut value")]
    [InlineData("8400c0000201", "code not in its shortest form")]
    [InlineData("ffffffffffffffffff01", "overlong code")]
    [InlineData("7f", "unknown code")]
    [InlineData("36ffffffffffffffff7f", "length beyond the end")]
    [InlineData("3600", "empty name")]
    [InlineData("3601ff", "not UTF-8")]
    [InlineData("36026e0a", "newline in a name")]
    [InlineData("3603612f62", "slash in a name")]
    [InlineData("a5030102", "no multihash")]
    [InlineData("9003016106c000", "something behind a path")]
    [InlineData("90030161", "path without its slash")]
    [InlineData("bc03000000000000000000000000", "onion port 0")]
    [InlineData("d203021220", "cut multihash of a certificate")]
    public void TryFromBytes_Malformed_IsRefused(string hex, string why) => Assert.False(Multiaddr.TryFromBytes(Convert.FromHexString(hex), out _), why);

    [Fact]
    public void TryFromBytes_LongerThanTheLimit_IsRefused()
    {
        string longest = "/memory/" + new string('x', Multiaddr.MaxSize - 4);
        Assert.Equal(Multiaddr.MaxSize, Multiaddr.Parse(longest).Bytes.Length);
        Assert.False(Multiaddr.TryParse(longest + "x", out _));
        Assert.False(Multiaddr.TryFromBytes(new byte[Multiaddr.MaxSize + 1], out _));
    }

    [Fact]
    public void TryFromBytes_MorePartsThanAnyAddressHas_IsRefused()
    {
        const string Start = "/ip4/192.0.2.1";
        string most = Start + string.Concat(Enumerable.Repeat("/tls", 63));
        Assert.Equal(64, Multiaddr.Parse(most).Components.Count);
        Assert.False(Multiaddr.TryParse(most + "/tls", out _));
        Assert.Throws<InvalidOperationException>(() => Multiaddr.Parse(most).WithPeerId(PeerId.Parse(Peer)));
    }

    [Theory]
    [InlineData("/ip4/127.1")]
    [InlineData("/ip4/0x7f.0.0.1")]
    [InlineData("/ip4/127.0.0.1 ")]
    [InlineData("/ip6/::1%eth0")]
    [InlineData("/ip6/[::1]")]
    [InlineData("/ip4/127.0.0.1/tcp/+80")]
    [InlineData("/ip4/127.0.0.1/tcp/ 80")]
    [InlineData("/ip4/127.0.0.1/tcp/000080")]
    [InlineData("ip4/127.0.0.1")]
    [InlineData("//ip4/127.0.0.1")]
    [InlineData("/dns4/a\u0000b")]
    [InlineData("/http-path/a%2")]
    [InlineData("/http-path/a%zz")]
    public void TryParse_NearMiss_IsRefused(string text) => Assert.False(Multiaddr.TryParse(text, out _));

    [Fact]
    public void TryParse_Null_IsRefused() => Assert.False(Multiaddr.TryParse(null, out _));

    [Fact]
    public void Bytes_OfAnyAcceptedInput_SurviveTheWayThroughText() =>
        Gen.Byte.Array[0, 60].Sample(bytes =>
        {
            if (Multiaddr.TryFromBytes(bytes, out Multiaddr? address)) Assert.Equal(bytes, Multiaddr.Parse(address.ToString()).Bytes.ToArray());
        });

    [Fact]
    public void Bytes_AssembledFromRealCodes_AreRefusedOrSurviveTheWayThroughText()
    {
        Gen<byte[]> code = Gen.Int[0, Enum.GetValues<MultiaddrProtocol>().Length - 1].Select(i => Code(Enum.GetValues<MultiaddrProtocol>()[i]));
        Gen<byte[]> component = Gen.Select(code, Gen.Byte.Array[0, 40], Gen.Bool, (c, v, prefixed) => (byte[])[.. c, .. prefixed ? [(byte)v.Length] : Array.Empty<byte>(), .. v]);
        component.Array[1, 4].Sample(parts =>
        {
            byte[] bytes = [.. parts.SelectMany(part => part)];
            if (Multiaddr.TryFromBytes(bytes, out Multiaddr? address)) Assert.Equal(bytes, Multiaddr.Parse(address.ToString()).Bytes.ToArray());
        });
    }

    [Fact]
    public void Text_OfAnyKind_NeverThrows() =>
        Gen.String[Gen.Char["/ip46tcdnsu0123.:%xé\n"], 0, 40].Sample(text =>
        {
            // A property that returned the answer would be one that every text is an address.
            _ = Multiaddr.TryParse("/" + text, out _);
        });

    [Fact]
    public void Components_OfAnAddress_HaveNameTextAndBytes()
    {
        IReadOnlyList<MultiaddrComponent> components = Multiaddr.Parse("/dns4/example.org/tcp/443/tls/ws").Components;
        Assert.Equal(["dns4", "tcp", "tls", "ws"], components.Select(c => c.Name));
        Assert.Equal(["example.org", "443", "", ""], components.Select(c => c.Value));
        Assert.Equal("example.org"u8.ToArray(), components[0].RawValue.ToArray());
        Assert.Equal([0x01, 0xBB], components[1].RawValue.ToArray());
        Assert.Equal("/tcp/443", components[1].ToString());
    }

    [Theory]
    [InlineData("/ip4/192.0.2.1/tcp/4001", "192.0.2.1:4001")]
    [InlineData("/ip6/2001:db8::1/tcp/65535/p2p/" + Peer, "[2001:db8::1]:65535")]
    [InlineData("/ip4/192.0.2.1/udp/4001", null)]
    [InlineData("/ip4/192.0.2.1", null)]
    [InlineData("/dns4/example.org/tcp/80", null)]
    public void TryGetIPEndPoint_OfAnAddress_IsItsTcpEndPoint(string text, string? expected)
    {
        Assert.Equal(expected is not null, Multiaddr.Parse(text).TryGetIPEndPoint(out IPEndPoint? endPoint));
        Assert.Equal(expected, endPoint?.ToString());
    }

    [Theory]
    [InlineData("192.0.2.1:0", "/ip4/192.0.2.1/tcp/0")]
    [InlineData("[2001:db8::1]:4001", "/ip6/2001:db8::1/tcp/4001")]
    [InlineData("[::ffff:192.0.2.1]:80", "/ip4/192.0.2.1/tcp/80")]
    public void FromIPEndPoint_OfAnEndPoint_IsItsAddress(string endPoint, string expected) =>
        Assert.Equal(expected, Multiaddr.FromIPEndPoint(IPEndPoint.Parse(endPoint)).ToString());

    [Theory]
    [InlineData("/ip4/192.0.2.1/tcp/1/p2p/" + Peer, Peer)]
    [InlineData("/ip4/192.0.2.1/tcp/1/ipfs/" + Peer, Peer)]
    [InlineData("/ip4/192.0.2.1/tcp/1/p2p/" + OtherPeer + "/p2p-circuit/p2p/" + Peer, Peer)]
    [InlineData("/ip4/192.0.2.1/tcp/1/p2p/" + OtherPeer + "/p2p-circuit", null)]
    [InlineData("/ip4/192.0.2.1/tcp/1", null)]
    public void PeerId_OfAnAddress_IsWhomItLeadsTo(string text, string? expected) => Assert.Equal(expected, Multiaddr.Parse(text).PeerId?.ToString());

    [Fact]
    public void WithPeerId_AndWithout_PutAndTakeTheLastOne()
    {
        var plain = Multiaddr.Parse("/ip4/192.0.2.1/tcp/1");
        Multiaddr named = plain.WithPeerId(PeerId.Parse(Peer));
        Assert.Equal($"/ip4/192.0.2.1/tcp/1/p2p/{Peer}", named.ToString());
        Assert.Equal($"/ip4/192.0.2.1/tcp/1/p2p/{OtherPeer}", named.WithPeerId(PeerId.Parse(OtherPeer)).ToString());
        Assert.Equal(plain, named.WithoutPeerId());
        Assert.True(plain == plain.WithoutPeerId());
        Assert.True(plain != named);
        Assert.Throws<InvalidOperationException>(() => Multiaddr.Parse($"/p2p/{Peer}").WithoutPeerId());
        Assert.Throws<InvalidOperationException>(() => Multiaddr.Parse("/unix/run/socket").WithPeerId(PeerId.Parse(Peer)));
    }

    [Theory]
    [InlineData("/dns/example.org/tcp/1", MultiaddrProtocol.Dns)]
    [InlineData("/dns4/example.org/tcp/1", MultiaddrProtocol.Dns4)]
    [InlineData("/dns6/example.org/tcp/1", MultiaddrProtocol.Dns6)]
    [InlineData("/dnsaddr/example.org", MultiaddrProtocol.DnsAddr)]
    public void HostName_OfANamedAddress_IsItsNameAndKind(string text, MultiaddrProtocol kind)
    {
        var address = Multiaddr.Parse(text);
        Assert.Equal(("example.org", (MultiaddrProtocol?)kind), (address.HostName, address.HostNameKind));
        Assert.Null(Multiaddr.Parse("/ip4/192.0.2.1/tcp/1").HostName);
    }

    [Fact]
    public void PeerId_HostileText_IsRefusedWithoutThrowing() =>
        Gen.String[Gen.Char["1Qmbkzf0OIl9aZé"], 0, 140].Sample(text =>
        {
            _ = PeerId.TryParse(text, out _);
        });

    private static byte[] Code(MultiaddrProtocol protocol)
    {
        byte[] bytes = new byte[Varint.MaxSize];
        return bytes[..Varint.Write(bytes, (ulong)protocol)];
    }
}
