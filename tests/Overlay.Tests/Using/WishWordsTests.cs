using System.Text;
using Overlay.Transport.Identity;
using Overlay.Using;

namespace Overlay.Tests.Using;

public sealed class WishWordsTests
{
    private static readonly ExitWish s_start = new() { Region = "FR", MaxPricePerGiB = 0.5m };

    [Fact]
    public void Read_Words_ChangeWhatTheySayAndNothingElse()
    {
        Assert.Equal(s_start with { Region = "DE", Session = "abc", MaxPricePerGiB = 0.10m }, Read("region-DE;session-abc;max-0.10"));
        Assert.Equal(s_start with { MinRate = BitRate.FromMegabits(20) }, Read("alice;rate-20"));
        Assert.Equal(s_start with { ExitPerConnection = true }, Read("EXIT-new"));
        Assert.Equal(s_start with { Session = "a-b" }, Read("session-a-b"));
        Assert.Equal(s_start, Read("alice"));
        Assert.Equal(s_start, Read(""));
        using var provider = PeerIdentity.Generate();
        Assert.Equal(s_start with { Provider = provider.PeerId }, Read($"provider-{provider.PeerId}"));
    }

    [Theory]
    [InlineData("region-DEU")]
    [InlineData("max-0,10")]
    [InlineData("alice;region-")]
    [InlineData("alice;max--1")]
    [InlineData("alice;max-1000001")]
    [InlineData("alice;max-1e3")]
    [InlineData("alice;session-")]
    [InlineData("alice;bob")]
    [InlineData("alice;rate-fast")]
    [InlineData("region-DE;provider-xyz")]
    public void Read_AWordThatIsNone_IsToldAndNotObeyed(string name) => Assert.NotNull(WishWords.Read(Encoding.UTF8.GetBytes(name), s_start, out _));

    private static ExitWish Read(string name)
    {
        Assert.Null(WishWords.Read(Encoding.UTF8.GetBytes(name), s_start, out ExitWish wish));
        return wish;
    }
}
