using System.Collections.Immutable;
using System.Net;
using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

public class ExitPolicyTests
{
    private static readonly HashSet<IPAddress> s_none = [];

    /// <summary>First, last and a middle address of each forbidden block, with what the block is.</summary>
    public static TheoryData<string, string> Forbidden { get; } = Pairs(
        ("Unspecified", "0.0.0.0 0.0.0.1 0.1.2.3 0.255.255.255 ::"),
        ("Private", "10.0.0.0 10.0.0.1 10.10.10.10 10.255.255.255 172.16.0.0 172.16.0.1 172.20.1.1 172.31.255.255 192.168.0.0 192.168.0.1 192.168.1.1 192.168.255.255"),
        ("CarrierNat", "100.64.0.0 100.64.0.1 100.100.100.100 100.100.100.199 100.127.255.255"),
        ("Loopback", "127.0.0.0 127.0.0.1 127.0.0.53 127.1.2.3 127.255.255.255 ::1"),
        ("LinkLocal", "169.254.0.0 169.254.0.1 169.254.169.252 169.254.255.255 fe80:: fe80::1 fe80::1%1 fe80::dead:beef fe80:ffff:: febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("CloudMetadata", "169.254.169.254 169.254.169.253 169.254.169.123 169.254.170.2 169.254.170.23 169.254.42.42 168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254 fd00:ec2::253 fd00:ec2::123 fd00:ec2::23 fd20:ce::254 fd00:42::42 fe80::a9fe:a9fe"),
        ("Reserved", "192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.0.171 192.0.0.255 240.0.0.0 240.0.0.1 250.1.2.3 255.255.255.254 255.0.0.0"),
        ("Documentation", "192.0.2.0 192.0.2.1 192.0.2.255 198.51.100.0 198.51.100.7 198.51.100.255 203.0.113.0 203.0.113.99 203.0.113.255 2001:db8:: 2001:db8::1 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 3fff:: 3fff::1 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("Translated", "192.88.99.0 192.88.99.1 192.88.99.255 ::ffff:0.0.0.0 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:255.255.255.255 ::2 ::8.8.8.8 ::127.0.0.1 ::ffff:ffff ::ffff:0:8.8.8.8 ::ffff:0:127.0.0.1"),
        ("Translated", "64:ff9b:: 64:ff9b::8.8.8.8 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::ffff:ffff 64:ff9b:1:: 64:ff9b:1::1 64:ff9b:1:ffff:ffff:ffff:ffff:ffff 2001:: 2001::1 2001:0:ffff:ffff:ffff:ffff:ffff:ffff 2002:: 2002:7f00:1:: 2002:a00:1::1 2002:c0a8:101::1 2002:808:808::1 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("Translated", "2a00:1450:4001:800:0:5efe:10.0.0.1 2a00:1450:4001:800:200:5efe:8.8.8.8"),
        ("Benchmarking", "198.18.0.0 198.18.0.1 198.19.0.0 198.19.255.255 2001:2:: 2001:2::1 2001:2:0:ffff:ffff:ffff:ffff:ffff"),
        ("Reserved", "2001:1::1 2001:1::2 2001:3:: 2001:4:112:: 2001:10:: 2001:10::1 2001:1f:ffff:: 2001:20:: 2001:20::1 2001:2f:ffff:: 2001:30::1 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff 2001:2:1::"),
        ("Multicast", "224.0.0.0 224.0.0.1 224.0.0.251 232.1.1.1 239.255.255.250 239.255.255.255 ff00:: ff02::1 ff02::fb ff05::2 ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("Broadcast", "255.255.255.255"),
        ("UniqueLocal", "fc00:: fc00::1 fd00::1 fd12:3456:789a::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fec0:: fec0::1 feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("Reserved", "100:: 100::1 100:0:0:1::1 200::1 400::1 1000::1 1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 4000:: 5f00:: 5f00::1 5f00:ffff:: 6000::1 8000::1 a000::1 c000::1 e000::1 f000::1 f800::1 fe00::1 fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff 0:0:0:1:: 0:1:: 1:2:3:4:5:6:7:8 64:ff9a:: 64:ff9b:2:: 64:ff9b:0:0:0:1::"));

    /// <summary>Neighbours of the forbidden blocks, and addresses that everybody uses.</summary>
    public static TheoryData<string> Permitted { get; } = new(
        ("1.0.0.0 1.1.1.1 8.8.8.8 9.9.9.9 9.255.255.255 11.0.0.0 93.184.215.14 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17 " +
         "169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.31.196.1 192.52.193.1 192.88.98.255 192.88.100.0 192.167.255.255 " +
         "192.169.0.0 192.175.48.1 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255 " +
         "2000:: 2000::1 2001:200:: 2001:4860:4860::8888 2001:db7:ffff:: 2001:db9:: 2003::1 2400:cb00::1 2606:4700:4700::1111 2620:fe::fe 2620:4f:8000::1 " +
         "2a00:1450:4001:800::200e 2a02::1 3ffe::1 3fff:1000:: 3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2003:: 2001:7f8::1").Split(' '));

    [Theory]
    [MemberData(nameof(Forbidden))]
    public void CheckAddress_SpecialPurpose_IsRefusedForWhatItIs(string address, string kind)
    {
        ExitVerdict verdict = ExitPolicy.Default.CheckAddress(IPAddress.Parse(address), s_none);

        Assert.False(verdict.IsAllowed);
        Assert.Equal(Enum.Parse<AddressKind>(kind), verdict.Kind);
        Assert.NotEmpty(verdict.Text);
        Assert.DoesNotContain(address, verdict.Text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Permitted))]
    public void CheckAddress_GlobalUnicast_IsAllowed(string address) =>
        Assert.True(ExitPolicy.Default.CheckAddress(IPAddress.Parse(address), s_none).IsAllowed);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("10.1.2.3")]
    [InlineData("192.168.1.1")]
    [InlineData("169.254.1.1")]
    [InlineData("100.64.0.1")]
    [InlineData("fd00::1")]
    [InlineData("fe80::1")]
    public void CheckAddress_PrivateTargetsAllowed_Opens(string address) =>
        Assert.True(new ExitPolicy { AllowPrivateTargets = true }.CheckAddress(IPAddress.Parse(address), s_none).IsAllowed);

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("255.255.255.255")]
    [InlineData("224.0.0.1")]
    [InlineData("ff02::1")]
    [InlineData("240.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("168.63.129.16")]
    [InlineData("100.100.100.200")]
    [InlineData("fd00:ec2::254")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("64:ff9b::10.0.0.1")]
    [InlineData("2002:7f00:1::")]
    public void CheckAddress_PrivateTargetsAllowed_StillRefuses(string address) =>
        Assert.False(new ExitPolicy { AllowPrivateTargets = true }.CheckAddress(IPAddress.Parse(address), s_none).IsAllowed);

    [Fact]
    public void CheckAddress_OwnPublicAddress_IsRefused()
    {
        HashSet<IPAddress> own = [IPAddress.Parse("93.184.215.14"), IPAddress.Parse("2606:4700::1")];

        Assert.Equal(AddressKind.Own, ExitPolicy.Default.CheckAddress(IPAddress.Parse("93.184.215.14"), own).Kind);
        Assert.Equal(AddressKind.Own, ExitPolicy.Default.CheckAddress(IPAddress.Parse("2606:4700:0::1"), own).Kind);
        Assert.True(ExitPolicy.Default.CheckAddress(IPAddress.Parse("93.184.215.15"), own).IsAllowed);
    }

    [Fact]
    public void CheckAddress_NetworkRefusedByOwner_IsRefusedEvenWithPrivateTargets()
    {
        var policy = new ExitPolicy { AllowPrivateTargets = true, RefusedNetworks = [IPNetwork.Parse("10.7.0.0/16"), IPNetwork.Parse("2a00:1450::/32")] };

        Assert.Equal(AddressKind.RefusedByOwner, policy.CheckAddress(IPAddress.Parse("10.7.1.1"), s_none).Kind);
        Assert.Equal(AddressKind.RefusedByOwner, policy.CheckAddress(IPAddress.Parse("2a00:1450::5"), s_none).Kind);
        Assert.True(policy.CheckAddress(IPAddress.Parse("10.8.1.1"), s_none).IsAllowed);
    }

    [Fact]
    public void CheckPort_Default_OnlyTheWebOfAllNumbers()
    {
        int[] allowed = [.. Enumerable.Range(-10, 65_600).Where(port => ExitPolicy.Default.CheckPort(port).IsAllowed)];

        Assert.Equal([80, 443], allowed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65_536)]
    public void AllowedPorts_OutsideTheRange_SaysWhatIsAllowed(int port)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => new ExitPolicy { AllowedPorts = [80, port] });

        Assert.Equal(port, error.ActualValue);
    }

    [Fact]
    public void AllowedPorts_Empty_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new ExitPolicy { AllowedPorts = ImmutableSortedSet<int>.Empty });

    [Fact]
    public void Digest_Default_IsTheDocumentedEncodingsHash()
    {
        // [1, [80, 443], false, []] in MessagePack
        byte[] encoding = [0x94, 0x01, 0x92, 0x50, 0xcd, 0x01, 0xbb, 0xc2, 0x90];

        Assert.Equal(System.Security.Cryptography.SHA256.HashData(encoding), ExitPolicy.Default.Digest.Bytes.ToArray());
    }

    [Fact]
    public void Digest_EachPartChanged_Differs()
    {
        ExitPolicy[] policies =
        [
            new(),
            new() { AllowedPorts = [80] },
            new() { AllowedPorts = [80, 443, 8080] },
            new() { AllowPrivateTargets = true },
            new() { RefusedNetworks = [IPNetwork.Parse("1.2.3.0/24")] },
            new() { RefusedNetworks = [IPNetwork.Parse("1.2.3.0/25")] },
        ];

        Assert.Equal(policies.Length, policies.Select(policy => policy.Digest).Distinct().Count());
    }

    [Fact]
    public void Digest_SamePartsInAnotherOrder_IsTheSame()
    {
        var one = new ExitPolicy { AllowedPorts = [443, 80], RefusedNetworks = [IPNetwork.Parse("1.2.3.0/24"), IPNetwork.Parse("4.0.0.0/8")] };
        var other = new ExitPolicy { RefusedNetworks = [IPNetwork.Parse("4.0.0.0/8"), IPNetwork.Parse("1.2.3.0/24"), IPNetwork.Parse("4.0.0.0/8")] };

        Assert.Equal(one.Digest, other.Digest);
        Assert.Equal(one, other);
    }

    private static TheoryData<string, string> Pairs(params (string Kind, string Addresses)[] rows)
    {
        var data = new TheoryData<string, string>();
        foreach ((string kind, string addresses) in rows)
            foreach (string address in addresses.Split(' ')) data.Add(address, kind);
        return data;
    }
}
