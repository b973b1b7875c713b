using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Interop.Tests.Harness;
using Overlay.Transport.Identity;

namespace Overlay.Interop.Tests;

/// <summary>Ten processes of two implementations in one DHT: peers, providers and values of either are found by the other, and the ways in are needed only
/// once.</summary>
public sealed class MixedNetworkTests
{
    private const int OverlayCount = 6, JsCount = 4;

    // A busy machine takes its time over ten programs; nothing here waits for it to pass.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TenProcesses_OfBothKinds_FindEachOtherAndGoOnWithoutTheWaysIn()
    {
        await using MixedNetwork network = await MixedNetwork.StartAsync(OverlayCount, JsCount);
        foreach (JsPeer peer in network.Js) await CommandAsync(peer, "kadWait", ("count", 4));

        await AssertPeersAreFoundAsync(network);
        string provided = await AssertProvidersAreFoundAsync(network);
        string stored = await AssertValuesAreFoundAsync(network);

        await network.KillWaysInAsync();
        OverlayNodeProcess returned = await network.RestartAsync(network.Overlay[0]);

        // From its own address book: those by whom it came in the first time are gone.
        JsonElement met;
        do met = await returned.WaitForEventAsync("peer");
        while (met.GetProperty("change").GetString() != "connected" || met.GetProperty("found").GetString() != "book");
        // A newcomer that knows nobody but the returned node finds all that there was.
        await UntilAsync(() => FindProvidersAsync(provided, returned.Address), found => found.Contains(network.Js[0].PeerId));
        await UntilAsync(() => GetAsync(stored, returned.Address), text => text == "hello");
        await UntilAsync(() => AddressesByJsAsync(network.Js[1], returned.PeerId), addresses => addresses.Contains(WithoutPeer(returned.Address)));
    }

    private static async Task AssertPeersAreFoundAsync(MixedNetwork network)
    {
        // Each by way of another than the one that is looked for.
        for (int i = 0; i < network.Js.Count; i++)
        {
            JsPeer wanted = network.Js[i];
            string wayIn = network.Overlay[i].Address;
            await UntilAsync(() => AddressesByOverlayAsync(wanted.PeerId, wayIn), addresses => addresses.Contains(WithoutPeer(wanted.Address)));
        }

        for (int i = 0; i < network.Overlay.Count; i++)
        {
            OverlayNodeProcess wanted = network.Overlay[i];
            JsPeer seeker = network.Js[i % network.Js.Count];
            await UntilAsync(() => AddressesByJsAsync(seeker, wanted.PeerId), addresses => addresses.Contains(WithoutPeer(wanted.Address)));
        }
    }

    /// <returns>The key that a js peer provides, in hexadecimal.</returns>
    private static async Task<string> AssertProvidersAreFoundAsync(MixedNetwork network)
    {
        string[] exits = [network.Overlay[1].PeerId, network.Overlay[3].PeerId];
        await UntilAsync(() => ProviderByJsAsync(network.Js[1], OverlayDiscovery.KeyOf((Region)"DE")), exits.Contains);

        string key = Convert.ToHexStringLower([0x12, 0x20, .. SHA256.HashData("provided by js"u8)]);
        await CommandAsync(network.Js[0], "kadProvide", ("key", key));
        await UntilAsync(() => FindProvidersAsync(key, network.Overlay[2].Address), found => found.Contains(network.Js[0].PeerId));
        return key;
    }

    /// <returns>The key of the value that an Overlay node has stored.</returns>
    private static async Task<string> AssertValuesAreFoundAsync(MixedNetwork network)
    {
        JsonElement stored = Assert.Single(await OverlayCli.SucceedAsync(
            ["dht", "put", "greeting", "hello", "--data", network.CreateFolder("writer"), .. MixedNetwork.Join(network.Overlay[4].Address)]));
        string key = stored.GetProperty("key").GetString()!;
        await UntilAsync(() => ValueByJsAsync(network.Js[2], key), value => value.Contains(Convert.ToHexStringLower("hello"u8), StringComparison.Ordinal));

        // The commands read signed values alone; a key of the namespace that both know, the library does.
        Assert.True(PeerId.Parse(network.Js[0].PeerId).TryGetPublicKey(out PeerPublicKey? foreign));
        byte[] foreignKey = [.. "/pk/"u8, .. foreign.ToPeerId().Bytes];
        await CommandAsync(network.Js[0], "kadPut", ("key", Convert.ToHexStringLower(foreignKey)), ("value", Convert.ToHexStringLower(foreign.Encoded.Span)));
        await using OverlayNode reader = await JoinAsync(network.Overlay[3].Address);
        await UntilAsync(() => reader.Discovery.GetValueAsync(foreignKey, Cancellation), read => read is { } value && value.Span.SequenceEqual(foreign.Encoded.Span));
        return key;
    }

    private static Task<OverlayNode> JoinAsync(string address) => OverlayNode.StartAsync(
        new OverlayOptions
        {
            Discovery = new DiscoveryOptions
            {
                Mdns = null,
                Bootstrap = [address],
                Kademlia = new KademliaOptions { Protocol = MixedNetwork.Protocol, AllowPrivateAddresses = true },
            },
        },
        cancellationToken: Cancellation);

    private static async Task<IReadOnlyList<string>> AddressesByOverlayAsync(string peerId, string wayIn) =>
        Addresses((await OverlayCli.SucceedAsync(["dht", "find-peer", peerId, .. MixedNetwork.Join(wayIn)]))[0]);

    private static async Task<IReadOnlyList<string>> AddressesByJsAsync(JsPeer seeker, string peerId) =>
        Addresses(await CommandAsync(seeker, "kadFindPeer", ("peerId", peerId)));

    private static async Task<string> ProviderByJsAsync(JsPeer seeker, ReadOnlyMemory<byte> key) =>
        (await CommandAsync(seeker, "kadFindProviders", ("key", Convert.ToHexStringLower(key.Span)))).GetProperty("peerId").GetString()!;

    private static async Task<string> ValueByJsAsync(JsPeer seeker, string key) =>
        (await CommandAsync(seeker, "kadGet", ("key", Convert.ToHexStringLower(Encoding.ASCII.GetBytes(key))))).GetProperty("value").GetString()!;

    private static async Task<IReadOnlyList<string>> FindProvidersAsync(string key, string wayIn)
    {
        IReadOnlyList<JsonElement> found = await OverlayCli.SucceedAsync(["dht", "find-providers", key, .. MixedNetwork.Join(wayIn)]);
        return [.. found.Select(provider => provider.GetProperty("peerId").GetString()!)];
    }

    private static async Task<string?> GetAsync(string key, string wayIn) =>
        (await OverlayCli.SucceedAsync(["dht", "get", key, .. MixedNetwork.Join(wayIn)]))[0].GetProperty("text").GetString();

    private static IReadOnlyList<string> Addresses(JsonElement found) =>
        [.. found.GetProperty("addresses").EnumerateArray().Select(address => WithoutPeer(address.GetString()!))];

    private static string WithoutPeer(string address) => Multiaddr.Parse(address).WithoutPeerId().ToString();

    private static Task<JsonElement> CommandAsync(JsPeer js, string command, params (string Name, JsonNode Value)[] arguments)
    {
        var message = new JsonObject();
        foreach ((string name, JsonNode value) in arguments) message[name] = value;
        return js.RunAsync(command, message);
    }

    /// <summary>Asks until the answer is right: tables fill by themselves, and nobody says when. Fails with the last answer that was not.</summary>
    private static async Task UntilAsync<T>(Func<Task<T>> ask, Func<T, bool> isRight)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        deadline.CancelAfter(s_patience);
        while (true)
        {
            string wrong;
            try
            {
                T answer = await ask();
                if (isRight(answer)) return;
                wrong = $"The answer was {JsonSerializer.Serialize(answer)}.";
            }
            catch (Exception e) when (e is JsPeerException or Xunit.Sdk.XunitException)
            {
                wrong = e.Message;
            }

            if (deadline.IsCancellationRequested) Assert.Fail(wrong);
            // Whoever answers at once that he knows nothing is given a moment to learn.
            await Task.Delay(TimeSpan.FromMilliseconds(200), Cancellation);
        }
    }
}
