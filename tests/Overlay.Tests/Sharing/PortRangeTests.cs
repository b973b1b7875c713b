using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

public class PortRangeTests
{
    [Theory]
    [InlineData("443", 443, 443)]
    [InlineData("1000-2000", 1000, 2000)]
    [InlineData("1-65535", 1, 65535)]
    [InlineData("7-7", 7, 7)]
    public void TryParse_PortOrRange_IsThat(string text, int first, int last)
    {
        Assert.True(PortRange.TryParse(text, out PortRange range));
        Assert.Equal((first, last), (range.First, range.Last));
        Assert.Equal(range, PortRange.Parse(range.ToString()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("2-1")]
    [InlineData("1-2-3")]
    [InlineData("1 - 2")]
    [InlineData("+1")]
    [InlineData("http")]
    public void TryParse_AnythingElse_IsNone(string? text) => Assert.False(PortRange.TryParse(text, out _));

    [Theory]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(25)]
    [InlineData(135)]
    [InlineData(137)]
    [InlineData(139)]
    [InlineData(445)]
    [InlineData(465)]
    [InlineData(587)]
    [InlineData(2525)]
    [InlineData(3389)]
    [InlineData(5900)]
    public void Open_GuardedPort_OnlyByItself(int port)
    {
        Assert.DoesNotContain(port, GuardedPorts.Open([new PortRange(1, 65535)]));
        Assert.DoesNotContain(port, GuardedPorts.Open([new PortRange(port, port + 1)]));
        Assert.Contains(port, GuardedPorts.Open([new PortRange(1, 65535), port]));
    }

    [Fact]
    public void Open_RangesWrittenDifferently_MakeOnePolicy()
    {
        var one = new SharingOptions { AllowedPorts = [80, 443, new PortRange(8000, 8003)] };
        var other = new SharingOptions { AllowedPorts = [8003, new PortRange(8000, 8002), new PortRange(8001, 8002), 443, 80] };

        Assert.Equal(new ExitPolicy { AllowedPorts = one.OpenPorts }.Digest, new ExitPolicy { AllowedPorts = other.OpenPorts }.Digest);
        Assert.Equal(ExitPolicy.Default.Digest, new ExitPolicy { AllowedPorts = new SharingOptions().OpenPorts }.Digest);
        Assert.Equal(["80", "443", "8000-8003"], GuardedPorts.Join(one.OpenPorts).Select(range => range.ToString()));
    }

    [Fact]
    public void Digest_AllPortsOpen_CanBeMade() => Assert.NotEqual(default, new ExitPolicy
    {
        AllowedPorts = GuardedPorts.Open([new PortRange(1,
        65535)])
    }.Digest);

    [Fact]
    public void AllowedPorts_NoneTooManyOrDefault_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SharingOptions { AllowedPorts = [] });
        Assert.Throws<ArgumentOutOfRangeException>(() => new SharingOptions { AllowedPorts = [.. Enumerable.Repeat(new PortRange(80), 257)] });
        Assert.Throws<ArgumentOutOfRangeException>(() => new SharingOptions { AllowedPorts = [default] });
    }
}
