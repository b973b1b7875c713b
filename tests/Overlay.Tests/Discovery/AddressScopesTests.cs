using System.Net;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class AddressScopesTests
{
    [Theory]
    [InlineData("127.0.0.1", AddressScope.Loopback)]
    [InlineData("::1", AddressScope.Loopback)]
    [InlineData("10.1.2.3", AddressScope.Lan)]
    [InlineData("172.31.255.1", AddressScope.Lan)]
    [InlineData("192.168.0.1", AddressScope.Lan)]
    [InlineData("169.254.1.1", AddressScope.Lan)]
    [InlineData("100.64.0.1", AddressScope.Lan)]
    [InlineData("fd12::1", AddressScope.Lan)]
    [InlineData("fe80::1", AddressScope.Lan)]
    [InlineData("1.1.1.1", AddressScope.Public)]
    [InlineData("2606:4700::1111", AddressScope.Public)]
    public void Of_Address_IsHowFarItReaches(string ip, AddressScope expected) => Assert.Equal(expected, AddressScopes.Of(IPAddress.Parse(ip)));

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("224.0.0.251")]
    [InlineData("ff02::fb")]
    [InlineData("255.255.255.255")]
    [InlineData("192.0.2.1")]
    [InlineData("2001:db8::1")]
    [InlineData("169.254.169.254")]
    [InlineData("64:ff9b::a00:1")]
    [InlineData("2002:a00:1::")]
    public void Of_AddressOfNoPeer_IsNone(string ip) => Assert.Null(AddressScopes.Of(IPAddress.Parse(ip)));

    [Theory]
    [InlineData("/ip4/192.168.1.1/tcp/80", AddressScope.Public, false)]
    [InlineData("/ip4/127.0.0.1/tcp/80", AddressScope.Public, false)]
    [InlineData("/ip6/::ffff:192.168.1.1/tcp/80", AddressScope.Public, false)]
    [InlineData("/ip4/169.254.169.254/tcp/80", AddressScope.Loopback, false)]
    [InlineData("/ip4/1.1.1.1/tcp/80", AddressScope.Public, true)]
    [InlineData("/ip4/127.0.0.1/tcp/80", AddressScope.Lan, false)]
    [InlineData("/ip4/192.168.1.1/tcp/80", AddressScope.Lan, true)]
    [InlineData("/ip4/127.0.0.1/tcp/80", AddressScope.Loopback, true)]
    [InlineData("/dns4/example.org/tcp/80", AddressScope.Public, true)]
    [InlineData("/memory/1", AddressScope.Public, false)]
    public void MayDial_ToldFromAfar_LeadsNoNearer(string address, AddressScope toldFrom, bool expected) =>
        Assert.Equal(expected, AddressScopes.MayDial(Multiaddr.Parse(address), toldFrom));

    [Fact]
    public void MayDial_OwnersWord_LeadsAnywhere() => Assert.True(AddressScopes.MayDial(Peers.At("127.0.0.1"), null));

    [Theory]
    [InlineData("/ip4/127.0.0.1/tcp/1", AddressScope.Lan, false)]
    [InlineData("/ip4/192.168.1.1/tcp/1", AddressScope.Lan, true)]
    [InlineData("/ip4/192.168.1.1/tcp/1", AddressScope.Public, false)]
    [InlineData("/ip4/1.1.1.1/tcp/1", AddressScope.Public, true)]
    public void MayTell_OwnAddress_OnlyWhereItMeansTheSame(string own, AddressScope listener, bool expected) =>
        Assert.Equal(expected, AddressScopes.MayTell(Multiaddr.Parse(own), listener));

    [Theory]
    [InlineData("/ip4/1.1.1.1/tcp/1", true)]
    [InlineData("/ip4/1.1.1.1/tcp/0", false)]
    [InlineData("/ip4/1.1.1.1/udp/1/quic-v1", false)]
    [InlineData("/ip4/1.1.1.1/tcp/1/ws", false)]
    [InlineData("/dnsaddr/example.org", false)]
    [InlineData("/dns6/example.org/tcp/1", true)]
    public void HasTransport_Address_IsTcpAlone(string address, bool expected) => Assert.Equal(expected, AddressScopes.HasTransport(Multiaddr.Parse(address)));

    [Fact]
    public void GroupOf_Neighbours_AreOneGroup()
    {
        Assert.Equal(AddressScopes.GroupOf(IPAddress.Parse("1.2.3.4")), AddressScopes.GroupOf(IPAddress.Parse("1.2.255.1")));
        Assert.NotEqual(AddressScopes.GroupOf(IPAddress.Parse("1.2.3.4")), AddressScopes.GroupOf(IPAddress.Parse("1.3.3.4")));
        Assert.Equal(AddressScopes.GroupOf(IPAddress.Parse("2a00:1:2::")), AddressScopes.GroupOf(IPAddress.Parse("2a00:1:ffff::")));
    }
}
