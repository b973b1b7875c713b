using Overlay.Discovery.Addresses;
using Overlay.Discovery.Kademlia;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery.Kademlia;

public sealed class KademliaRequestsTests
{
    [Fact]
    public async Task Ask_NameThatStandsForAnAddressOfTheLan_IsNotDialled()
    {
        using var self = PeerIdentity.Generate();
        using var other = PeerIdentity.Generate();
        await using var host = new PeerHost(self);
        await using var lan = new PeerHost(other);
        Multiaddr there = await lan.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), TestContext.Current.CancellationToken);
        string port = there.Components.Single(component => component.Protocol == MultiaddrProtocol.Tcp).Value;
        var names = new TableOfHosts(new() { ["printer.example"] = ["127.0.0.1", "192.168.1.7"] });
        var dialer = new ScopedDialer(host, names);
        var requests = new KademliaRequests(
            host, new KademliaOptions(), (addresses, token) => dialer.ResolveAsync([.. addresses.Select(address => (address, (AddressScope?)AddressScope.Public))], token));
        var peer = new Contact(other.PeerId, [Multiaddr.Parse($"/dns4/printer.example/tcp/{port}")]);
        Assert.True(new AddressPolicy(new KademliaOptions()).IsDialable(peer.Addresses[0]));

        var message = new KademliaMessage(KademliaMessageType.FindNode, new byte[] { 1 });
        await Assert.ThrowsAsync<ConnectionException>(() => requests.AskAsync(new SendRequest(1, peer, message, false), TestContext.Current.CancellationToken));

        Assert.Equal(2, dialer.RefusedCount);
        Assert.Empty(lan.Connections);
    }
}
