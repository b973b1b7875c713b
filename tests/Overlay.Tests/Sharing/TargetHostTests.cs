using System.Net;
using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

public class TargetHostTests
{
    [Theory]
    [InlineData("8.8.8.8", "8.8.8.8")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("::1", "::1")]
    [InlineData("2001:DB8::A", "2001:db8::a")]
    [InlineData("2001:0db8:0000:0000:0000:0000:0000:000a", "2001:db8::a")]
    [InlineData("::ffff:1.2.3.4", "::ffff:1.2.3.4")]
    [InlineData("1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a")]
    public void TryParse_StandardAddress_IsThatAddress(string text, string address)
    {
        Assert.True(TargetHost.TryParse(text, out TargetHost host, out _));
        Assert.Equal(IPAddress.Parse(address), host.Address);
        Assert.Null(host.Name);
    }

    [Theory]
    [InlineData("0x7f.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("0x7f000001")]
    [InlineData("0X7F000001")]
    [InlineData("0x")]
    [InlineData("017700000001")]
    [InlineData("2130706433")]
    [InlineData("127.1")]
    [InlineData("127.0.1")]
    [InlineData("127.0.0.1.")]
    [InlineData("127.0.0.01")]
    [InlineData("0177.0.0.1")]
    [InlineData("127.0.0.0x1")]
    [InlineData("127.0.0.256")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3")]
    [InlineData("foo.1")]
    [InlineData("example.0x10")]
    [InlineData("0")]
    [InlineData("[::1]")]
    [InlineData("::1%lo")]
    [InlineData("fe80::1%1")]
    [InlineData("::1/128")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("1::2::3")]
    [InlineData("12345::")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("::ffff:127.1")]
    [InlineData("::ffff:0x7f.0.0.1")]
    [InlineData("::ffff:127.0.0.01")]
    [InlineData("::ffff:256.0.0.1")]
    [InlineData("example.com:80")]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a..")]
    [InlineData("-a.com")]
    [InlineData("a-.com")]
    [InlineData("a b.com")]
    [InlineData("a/b")]
    [InlineData("user@host.com")]
    [InlineData("exa\0mple.com")]
    [InlineData("exa\nmple.com")]
    [InlineData("bücher.example")]
    [InlineData("１２７.0.0.1")]
    [InlineData("127。0。0。1")]
    [InlineData("①②⑦.0.0.1")]
    [InlineData(" 127.0.0.1")]
    [InlineData("127.0.0.1 ")]
    [InlineData("+1.2.3.4")]
    [InlineData("%31.2.3.4")]
    public void TryParse_NeitherAddressNorName_IsRefusedWithAReason(string text)
    {
        Assert.False(TargetHost.TryParse(text, out _, out string? reason));
        Assert.NotEmpty(reason);
    }

    [Theory]
    [InlineData("example.com", "example.com")]
    [InlineData("Example.COM.", "example.com")]
    [InlineData("_dmarc.example.com", "_dmarc.example.com")]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("1.2.3.4.example", "1.2.3.4.example")]
    [InlineData("0x7f.com", "0x7f.com")]
    [InlineData("3com.com", "3com.com")]
    [InlineData("a", "a")]
    [InlineData("0xg", "0xg")]
    public void TryParse_Name_IsLowerCaseWithoutItsDot(string text, string name)
    {
        Assert.True(TargetHost.TryParse(text, out TargetHost host, out _));
        Assert.Equal(name, host.Name);
        Assert.Null(host.Address);
    }

    [Fact]
    public void TryParse_LengthLimits_AreThoseOfTheDns()
    {
        string label = new('a', 63);
        string longest = string.Join('.', label, label, label, new string('a', 61));

        Assert.Equal(253, longest.Length);
        Assert.True(TargetHost.TryParse(longest, out _, out _));
        Assert.True(TargetHost.TryParse(longest + ".", out _, out _));
        Assert.False(TargetHost.TryParse(longest + "a", out _, out _));
        Assert.False(TargetHost.TryParse(label + "a.com", out _, out _));
        Assert.False(TargetHost.TryParse(new string('a', 1_000_000), out _, out _));
    }
}
