using CsCheck;
using Overlay.Node.Configuration;

namespace Overlay.Node.Tests;

public sealed class NearestNameTests
{
    private static readonly string[] s_names = ["listen", "share", "httpProxy", "socks", "allowPrivateTargets"];

    [Theory]
    [InlineData("lisetn", "listen")]
    [InlineData("SHARE", "share")]
    [InlineData("proxy", "httpProxy")]
    [InlineData("sock", "socks")]
    [InlineData("allowPrivate", "allowPrivateTargets")]
    public void Among_SlipOfThePen_FindsWhatWasMeant(string written, string meant) => Assert.Equal(meant, NearestName.Among(s_names, written));

    [Fact]
    public void Among_AnyTextAtAll_IsOneOfTheCandidates() =>
        Gen.String[0, 200].Sample(written => Assert.Contains(NearestName.Among(s_names, written), s_names));

    [Fact]
    public void Among_OneLetterLost_IsStillFound() =>
        Gen.Select(Gen.Int[0, s_names.Length - 1].Select(i => s_names[i]), Gen.Int[0, 100])
            .Sample((name, at) => Assert.Equal(name, NearestName.Among(s_names, name.Remove(at % name.Length, 1))));
}
