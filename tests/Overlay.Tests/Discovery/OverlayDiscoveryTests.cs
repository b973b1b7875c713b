using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Wire;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

/// <summary>The public face, in front of one peer whose answers are written by hand.</summary>
public sealed class OverlayDiscoveryTests : IAsyncLifetime
{
    // Nobody listens there.
    private static readonly Contact s_named = new(Peers.New(), [Peers.At("127.0.0.1", 1)]);

    private readonly PeerIdentity _identity = PeerIdentity.Generate();
    private PeerHost _peer = null!;
    private OverlayNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _peer = new PeerHost(_identity);
        _peer.Protocols.Handle(KademliaOptions.OverlayProtocol, AnswerAsync, 64);
        Multiaddr there = await _peer.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Peers.Cancellation);
        var options = new OverlayOptions
        {
            Discovery = new DiscoveryOptions
            {
                Mdns = null,
                Bootstrap = [there.WithoutPeerId().WithPeerId(_peer.PeerId).ToString()],
                Kademlia = new KademliaOptions { AllowPrivateAddresses = true },
            },
        };
        _node = await OverlayNode.StartAsync(options, cancellationToken: Peers.Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await _peer.DisposeAsync();
        _identity.Dispose();
    }

    [Fact]
    public async Task FindPeer_RightAfterTheStart_GivesAddressesThatAreKnownFromThenOn()
    {
        PeerInfo? found = await _node.Discovery.FindPeerAsync(s_named.Id, Peers.Cancellation);

        Assert.Equal(s_named.Addresses, found!.ListenAddresses);
        Assert.Equal(s_named.Addresses, _node.Discovery.FindAddresses(s_named.Id));
    }

    [Fact]
    public async Task StopProviding_WhatIsProvided_IsKnownToBeAnnounced()
    {
        Region region = Region.Parse("DE");
        Assert.False(_node.Discovery.StopProviding(region));

        await _node.Discovery.ProvideAsync(region, Peers.Cancellation);

        Assert.True(_node.Discovery.StopProviding(region));
        Assert.False(_node.Discovery.StopProviding(region));
        Assert.Throws<ArgumentException>(() => _node.Discovery.StopProviding(default(ReadOnlyMemory<byte>)));
    }

    private static async Task AnswerAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        while (await MessageFrames.ReadAsync(stream.Input, 100_000, cancellationToken) is { } encoded)
        {
            Assert.True(KademliaCodec.TryDecode(encoded, new KademliaOptions(), out KademliaMessage? request));
            if (request.Type == KademliaMessageType.AddProvider) continue;
            byte[] answer = KademliaCodec.Encode(new KademliaMessage(request.Type, request.Key) { CloserPeers = [s_named] });
            await stream.Output.WriteAsync(LengthPrefixed.Frame(answer), cancellationToken);
        }

        await stream.Output.CompleteAsync();
    }
}
