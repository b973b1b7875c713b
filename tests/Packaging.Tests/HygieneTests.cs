namespace Overlay.Packaging.Tests;

public sealed class HygieneTests
{
    [Fact]
    public void A() => Assert.True(true);

    [Fact]
    public void B() => Assert.Skip("reason");
}
