using Overlay.Transport.Resources;

namespace Overlay.Transport.Tests.Resources;

public class ResourceOptionsTests
{
    [Fact]
    public void Defaults_AreThoseOfAnEmbeddedNode()
    {
        ResourceLimits node = new TransportOptions().Resources.Node;

        Assert.Equal((128, 2048, 128L << 20, 256), (node.MaxConnectionCount, node.MaxStreamCount, node.MaxMemorySize, node.MaxDescriptorCount));
    }

    [Fact]
    public void Defaults_OneConnection_MayHaveAllTheStreamsThatItsMuxerAllows()
    {
        var options = new TransportOptions();

        Assert.True(options.Yamux.MaxInboundStreams <= options.Resources.Connection.MaxStreamCount);
        Assert.True(options.Yamux.MaxInboundStreams <= options.Resources.Peer.MaxStreamCount);
        Assert.True(options.Yamux.MaxWindowGrowth <= options.Resources.Peer.MaxMemorySize);
    }

    [Fact]
    public void WrongValues_ThrowAsTheyAreSet()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceLimits { MaxMemorySize = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceLimits { MaxConnectionCount = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceLimits { MaxInboundConnectionCount = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceLimits { MaxOutboundConnectionCount = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceLimits { MaxStreamCount = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceLimits { MaxInboundStreamCount = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceLimits { MaxOutboundStreamCount = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceLimits { MaxDescriptorCount = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceOptions { ConnectionMemorySize = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceOptions { MaxTrackedPrefixCount = 0 });
        Assert.Throws<ArgumentNullException>(() => new ResourceOptions { Node = null! });
        Assert.Throws<ArgumentNullException>(() => new ResourceOptions { PrefixRules = [null!] });
        Assert.Throws<ArgumentNullException>(() => new ResourceOptions { Protocols = new Dictionary<string, ResourceLimits> { ["/a"] = null! } });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrimOptions { HighWater = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrimOptions { LowWater = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrimOptions { GracePeriod = TimeSpan.FromTicks(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrimOptions { MaxNewConnectionCount = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrimOptions { SilencePeriod = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrimOptions { CloseTimeout = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrimOptions { MaxTaggedPeerCount = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrimOptions { MaxTagsPerPeer = 0 });
        Assert.Throws<ArgumentNullException>(() => new TransportOptions { Resources = null! });
    }
}
