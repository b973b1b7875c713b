using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Interop.Tests.Harness;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Interop.Tests;

/// <summary>The DHT with js-libp2p's kad-dht, each side finding what the other has stored.</summary>
public sealed class KademliaInteropTests
{
    private const string Protocol = KademliaOptions.IpfsProtocol;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FindPeer_KnownToAThirdPeerOnly_IsFoundByBothSides()
    {
        await using JsPeer known = await JsPeer.StartAsync(kademlia: Protocol);
        await using JsPeer other = await JsPeer.StartAsync(kademlia: Protocol);
        await other.DialAsync(known.Address);
        await RunAsync(known, "kadWait", ("count", 1));
        await using OverlayNode overlay = await JoinAsync(known);
        await RunAsync(known, "kadWait", ("count", 2));

        PeerInfo? found = await overlay.Discovery.FindPeerAsync(PeerId.Parse(other.PeerId), Cancellation);
        JsonElement seen = await RunAsync(other, "kadFindPeer", ("peerId", overlay.PeerId.ToString()));

        Assert.NotNull(found);
        Assert.Contains(Multiaddr.Parse(other.Address).WithoutPeerId(), found.ListenAddresses);
        Assert.Contains(overlay.Addresses[0].WithoutPeerId().ToString(), seen.GetProperty("addresses").EnumerateArray().Select(address => Multiaddr.Parse(address.GetString()!).WithoutPeerId().ToString()));
    }

    [Fact]
    public async Task Providers_OfOverlayAndOfJs_AreFoundByTheOther()
    {
        await using JsPeer js = await JsPeer.StartAsync(kademlia: Protocol);
        await using OverlayNode overlay = await JoinAsync(js);
        await RunAsync(js, "kadWait", ("count", 1));
        byte[] own = Multihash("provided by Overlay"), foreign = Multihash("provided by js");

        int stored = await overlay.Discovery.ProvideAsync(own, Cancellation);
        JsonElement seen = await RunAsync(js, "kadFindProviders", ("key", Convert.ToHexStringLower(own)));
        await RunAsync(js, "kadProvide", ("key", Convert.ToHexStringLower(foreign)));
        var found = new List<PeerId>();
        await foreach (PeerInfo provider in overlay.Discovery.FindProvidersAsync(foreign, Cancellation)) found.Add(provider.PeerId);

        Assert.Equal(1, stored);
        Assert.Equal(overlay.PeerId.ToString(), seen.GetProperty("peerId").GetString());
        Assert.Contains(PeerId.Parse(js.PeerId), found);
    }

    [Fact]
    public async Task Values_OfOverlayAndOfJs_AreReadByTheOther()
    {
        await using JsPeer js = await JsPeer.StartAsync(kademlia: Protocol);
        await using OverlayNode overlay = await JoinAsync(js);
        await RunAsync(js, "kadWait", ("count", 1));
        ReadOnlyMemory<byte> key = OverlayDiscovery.KeyOf(overlay.PeerId, "greeting");
        PeerPublicKey foreign = PublicKeyOf(js);
        byte[] foreignKey = [.. "/pk/"u8, .. foreign.ToPeerId().Bytes];

        int stored = await overlay.Discovery.PublishAsync("greeting", "hello"u8.ToArray(), Cancellation);
        JsonElement seen = await RunAsync(js, "kadGet", ("key", Convert.ToHexStringLower(key.Span)));
        await RunAsync(js, "kadPut", ("key", Convert.ToHexStringLower(foreignKey)), ("value", Convert.ToHexStringLower(foreign.Encoded.Span)));
        ReadOnlyMemory<byte>? read = await overlay.Discovery.GetValueAsync(foreignKey, Cancellation);

        Assert.Equal(1, stored);
        Assert.Contains(Convert.ToHexStringLower("hello"u8), seen.GetProperty("value").GetString(), StringComparison.Ordinal);
        Assert.Equal(foreign.Encoded.ToArray(), read!.Value.ToArray());
    }

    [Fact]
    public async Task Cli_AgainstJs_FindsProvidersAndPeersAndStoresValues()
    {
        await using JsPeer js = await JsPeer.StartAsync(kademlia: Protocol);
        await using OverlayNode overlay = await JoinAsync(js);
        await RunAsync(js, "kadWait", ("count", 1));
        string key = Convert.ToHexStringLower(Multihash("provided by js"));
        await RunAsync(js, "kadProvide", ("key", key));
        using var folder = new TemporaryFolder();
        string[] network = ["--bootstrap", js.Address, "--kad-protocol", Protocol, "--private-network"];

        IReadOnlyList<JsonElement> providers = await OverlayCli.SucceedAsync(["dht", "find-providers", key, .. network]);
        JsonElement peer = Assert.Single(await OverlayCli.SucceedAsync(["dht", "find-peer", overlay.PeerId.ToString(), .. network]));
        JsonElement stored = Assert.Single(await OverlayCli.SucceedAsync(["dht", "put", "greeting", "hello", "--data", folder.Path, .. network]));
        JsonElement read = Assert.Single(await OverlayCli.SucceedAsync(["dht", "get", stored.GetProperty("key").GetString()!, .. network]));

        Assert.Contains(providers, provider => provider.GetProperty("peerId").GetString() == js.PeerId);
        Assert.NotEmpty(peer.GetProperty("addresses").EnumerateArray());
        Assert.Equal("hello", read.GetProperty("text").GetString());
    }

    private static Task<OverlayNode> JoinAsync(JsPeer js) => OverlayNode.StartAsync(
        new OverlayOptions
        {
            Listen = ["/ip4/127.0.0.1/tcp/0"],
            Discovery = new DiscoveryOptions
            {
                Mdns = null,
                Bootstrap = [js.Address],
                Kademlia = new KademliaOptions { Protocol = Protocol, AllowPrivateAddresses = true },
            },
        },
        cancellationToken: Cancellation);

    private static byte[] Multihash(string content) => [0x12, 0x20, .. SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(content))];

    private static PeerPublicKey PublicKeyOf(JsPeer js)
    {
        Assert.True(PeerId.Parse(js.PeerId).TryGetPublicKey(out PeerPublicKey? key));
        return key;
    }

    private static Task<JsonElement> RunAsync(JsPeer js, string command, params (string Name, JsonNode Value)[] arguments)
    {
        var message = new JsonObject();
        foreach ((string name, JsonNode value) in arguments) message[name] = value;
        return js.RunAsync(command, message);
    }
}
