using System.Text;
using Overlay.Fuzzing.Engine;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>Addresses in bytes: what is one prints to a text that leads back to the same bytes.</summary>
internal sealed class MultiaddrBytesTarget : FuzzTarget
{
    internal override string Name => "multiaddr-bytes";

    internal override int MaxSize => Multiaddr.MaxSize + 16;

    // Of each part, up to 64, an object and two texts are made.
    internal override int FixedAllocation => 12 * 1024;

    internal override IEnumerable<byte[]> Seeds => MultiaddrSamples.Texts.Select(text => Multiaddr.Parse(text).Bytes.ToArray());

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        meter.Start();
        bool valid = Multiaddr.TryFromBytes(input, out Multiaddr? address);
        meter.Stop();
        if (!valid) return false;
        Invariant.Same(input, address!.Bytes.Span, "An address keeps its bytes");
        MultiaddrSamples.Check(address);
        return true;
    }
}

/// <summary>Addresses in text.</summary>
internal sealed class MultiaddrTextTarget : FuzzTarget
{
    internal override string Name => "multiaddr-text";

    internal override int MaxSize => (4 * Multiaddr.MaxSize) + 16;

    // Each part of a text is a string of its own (22 bytes beside its characters), and a table holds them all; base58 and base36 are unpacked with room to spare.
    internal override int FixedAllocation => 32 * 1024;

    internal override IEnumerable<byte[]> Seeds => MultiaddrSamples.Texts.Select(Encoding.UTF8.GetBytes);

    internal override IReadOnlyList<byte[]> Words { get; } = [.. MultiaddrSamples.Texts.SelectMany(text => text.Split('/')).Distinct().Select(part => Encoding.UTF8.GetBytes("/" + part))];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        string text = Encoding.UTF8.GetString(input);
        meter.Start();
        bool valid = Multiaddr.TryParse(text, out Multiaddr? address);
        meter.Stop();
        if (valid) MultiaddrSamples.Check(address!);
        return valid;
    }
}

internal static class MultiaddrSamples
{
    internal static IReadOnlyList<string> Texts { get; } =
    [
        "/ip4/192.0.2.1/tcp/4001/p2p/" + FuzzKeys.Own.PeerId,
        "/ip6/2001:db8::1/udp/4001/quic-v1/webtransport/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
        "/ip6zone/eth0/ip6/fe80::1/tcp/80/ws",
        "/ip4/127.0.0.1/ipcidr/24",
        "/dns4/example.com/tcp/443/tls/sni/example.com/http/http-path/a%2Fb%20c",
        "/dnsaddr/bootstrap.example.org",
        "/dns/localhost/sctp/1/utp",
        "/ip4/1.2.3.4/tcp/80/p2p/" + FuzzKeys.Own.PeerId + "/p2p-circuit/p2p/" + FuzzKeys.Peer.PeerId,
        "/onion/timaq4ygg2iegci7:1234/http",
        "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
        "/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzuqzwas",
        "/unix/run/overlay/socket",
        "/memory/hub",
        "/ip4/10.0.0.1/dccp/5/udt/p2p-webrtc-direct",
        "/ip4/10.0.0.1/udp/9090/webrtc-direct/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g",
    ];

    internal static void Check(Multiaddr address)
    {
        Invariant.Holds(address.Bytes.Length is > 0 and <= Multiaddr.MaxSize, "An address has an allowed size.");
        Invariant.Holds(Multiaddr.TryFromBytes(address.Bytes.Span, out Multiaddr? again) && again == address, "An address is read again from its bytes.");
        string text = address.ToString();
        Invariant.Holds(Multiaddr.TryParse(text, out Multiaddr? parsed) && parsed == address && parsed.ToString() == text, $"An address is read again from its text: {text}");
        Invariant.Same(text, string.Concat(address.Components), "An address is its parts");
        Invariant.Holds(!text.AsSpan().ContainsAnyInRange('\0', '\x1f'), "An address's text has no control characters.");
        _ = address.HostName;
        _ = address.PeerId;
        if (address.TryGetIPEndPoint(out System.Net.IPEndPoint? endPoint))
        {
            bool begins = text.StartsWith(Multiaddr.FromIPEndPoint(endPoint).ToString(), StringComparison.Ordinal);
            Invariant.Holds(begins || endPoint.Address.IsIPv4MappedToIPv6, "An end point is what an address begins with.");
        }

        if (address.Components.Count > 1 || address.Components[0].Protocol != MultiaddrProtocol.P2p) _ = address.WithoutPeerId();
        if (address.Bytes.Length > Multiaddr.MaxSize - 48 || address.Components.Count == 64 || address.Components[^1].Protocol is MultiaddrProtocol.Unix) return;
        Multiaddr named = address.WithPeerId(FuzzKeys.Peer.PeerId);
        Invariant.Same(FuzzKeys.Peer.PeerId, named.PeerId, "An address given a peer id has it");
    }
}
