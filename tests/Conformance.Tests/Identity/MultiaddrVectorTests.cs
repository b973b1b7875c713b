using System.Text.Json;
using Overlay.TestKit;
using Overlay.Transport.Identity;

namespace Overlay.Conformance.Tests.Identity;

/// <summary>multiformats/multiaddr and the cases of go-multiaddr: which texts are addresses, and what their bytes are.</summary>
public sealed class MultiaddrVectorTests
{
    [Fact]
    public void TextToBytes_EveryVector_GivesThatFormBothWays()
    {
        using JsonDocument vectors = Repository.OpenVectors("multiaddr.json");
        foreach (JsonElement vector in vectors.RootElement.GetProperty("text_to_bytes").EnumerateArray())
        {
            string text = vector.GetProperty("text").GetString()!;
            string hex = vector.GetProperty("hex").GetString()!;
            var parsed = Multiaddr.Parse(text);
            Assert.Equal(hex, Convert.ToHexStringLower(parsed.Bytes.Span));
            Assert.True(Multiaddr.TryFromBytes(Convert.FromHexString(hex), out Multiaddr? read));
            Assert.Equal(text, read.ToString());
            Assert.Equal(parsed, read);
        }
    }

    [Fact]
    public void Accept_EveryVector_ParsesAndComesBackFromItsBytesAndItsText()
    {
        using JsonDocument vectors = Repository.OpenVectors("multiaddr.json");
        foreach (string text in Strings(vectors, "accept"))
        {
            Assert.True(Multiaddr.TryParse(text, out Multiaddr? parsed), text);
            Assert.True(Multiaddr.TryFromBytes(parsed.Bytes.Span, out Multiaddr? read), text);
            Assert.Equal(parsed, read);
            Assert.Equal(parsed, Multiaddr.Parse(parsed.ToString()));
            if (!ChangesForm(text)) Assert.Equal(text.TrimEnd('/'), parsed.ToString());
        }
    }

    [Fact]
    public void Reject_EveryVector_IsRefusedWithAFormatException()
    {
        using JsonDocument vectors = Repository.OpenVectors("multiaddr.json");
        foreach (string text in Strings(vectors, "reject"))
        {
            Assert.False(Multiaddr.TryParse(text, out _), text);
            Assert.Throws<FormatException>(() => Multiaddr.Parse(text));
        }
    }

    [Fact]
    public void ProtocolTable_EveryRow_IsKnownByCodeAndName()
    {
        using JsonDocument vectors = Repository.OpenVectors("multiaddr.json");
        foreach (JsonElement row in vectors.RootElement.GetProperty("protocol_table").EnumerateArray())
        {
            int code = int.Parse(row.GetProperty("code").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
            string name = row.GetProperty("name").GetString()!;
            string size = row.GetProperty("size").GetString()!;
            Assert.True(Enum.IsDefined((MultiaddrProtocol)code), name);
            var address = Multiaddr.Parse($"/{name}{SampleValue(name)}");
            MultiaddrComponent component = Assert.Single(address.Components);
            Assert.Equal((MultiaddrProtocol)code, component.Protocol);
            Assert.Equal(name == "ipfs" ? "p2p" : name, component.Name);
            if (size != "V") Assert.Equal(size, (component.RawValue.Length * 8).ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    // Peer ids are printed in base58btc, certificate hashes in base64url, and /ipfs as /p2p; one garlic32 text has bits beyond its last byte.
    private static bool ChangesForm(string text) =>
        text.Contains("/ipfs/", StringComparison.Ordinal)
        || text.Contains("/p2p/k", StringComparison.Ordinal)
        || text.Contains("/p2p/b", StringComparison.Ordinal)
        || text.Contains("/certhash/", StringComparison.Ordinal)
        || text.EndsWith("zwassw", StringComparison.Ordinal);

    private static string SampleValue(string name) => name switch
    {
        "ip4" => "/192.0.2.1",
        "ip6" => "/2001:db8::1",
        "ip6zone" => "/eth0",
        "ipcidr" => "/24",
        "dns" or "dns4" or "dns6" or "dnsaddr" or "sni" => "/example.org",
        "tcp" or "udp" or "dccp" or "sctp" => "/4001",
        "unix" => "/run/socket",
        "p2p" or "ipfs" => "/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
        "onion" => "/aaimaq4ygg2iegci:80",
        "onion3" => "/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
        "garlic64" => "/" + Convert.ToBase64String(new byte[387]),
        "garlic32" => "/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzuq",
        "certhash" => "/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g",
        "http-path" => "/a%2Fb",
        "memory" => "/7",
        _ => "",
    };

    private static IEnumerable<string> Strings(JsonDocument vectors, string property) =>
        vectors.RootElement.GetProperty(property).EnumerateArray().Select(element => element.GetString()!);
}
