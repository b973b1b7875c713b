using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>Gossip with js-libp2p's gossipsub, in both directions and both versions, signatures checked by both.</summary>
public sealed class GossipTests
{
    private const string V11 = "/meshsub/1.1.0", V12 = "/meshsub/1.2.0";

    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(V12)]
    [InlineData(V11)]
    public async Task Pub_ToJs_ArrivesWithItsAuthor(string version)
    {
        await using JsPeer js = await JsPeer.StartAsync(gossip: version);
        await js.RunAsync("subscribe", new JsonObject { ["topic"] = "news" });

        JsonElement published = Assert.Single(await OverlayCli.SucceedAsync("gossip", "pub", "news", "hello js", "--connect", js.Address, "--js-ids"));
        JsonElement message = await js.WaitForEventAsync("message", published.GetProperty("peerId").GetString()!);

        Assert.Equal(1, published.GetProperty("peers").GetInt32());
        Assert.Equal(("news", "hello js"), (message.GetProperty("topic").GetString(), message.GetProperty("text").GetString()));
    }

    [Theory]
    [InlineData(V12, 20)]
    [InlineData(V11, 20)]
    [InlineData(V12, 100_000)]
    public async Task Sub_FromJs_GetsTheMessageOverTheNewestCommonVersion(string version, int size)
    {
        await using JsPeer js = await JsPeer.StartAsync(gossip: version);
        await using var sub = ChildProcess.Start(OverlayCli.Program, ["gossip", "sub", "news", "--connect", js.Address, "--count", "1", "--js-ids", "--json"]);
        string text = new('x', size);

        Task<JsonElement> reading = ReadAsync(sub, "message");
        JsonElement sent;
        // js-libp2p may know of the subscription before it has a stream to send on, and then sends nothing: it is asked again.
        do sent = await js.RunAsync("publish", new JsonObject { ["topic"] = "news", ["text"] = text });
        while (await Task.WhenAny(reading, Task.Delay(s_again, Cancellation)) != reading);
        JsonElement message = await reading;

        Assert.Equal(version, Assert.Single(sent.GetProperty("protocols").EnumerateArray()).GetString());
        Assert.Equal(js.PeerId, message.GetProperty("author").GetString());
        Assert.Equal(text, Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()));
        Assert.Equal(0, await sub.WaitForExitAsync(s_patience, Cancellation));
    }

    [Fact]
    public async Task Mesh_OverlayBetweenTwoJsPeers_PassesMessagesOnBothWays()
    {
        await using JsPeer a = await JsPeer.StartAsync(gossip: [V12, V11]);
        await using JsPeer b = await JsPeer.StartAsync(gossip: V11);
        await a.RunAsync("subscribe", new JsonObject { ["topic"] = "news" });
        await b.RunAsync("subscribe", new JsonObject { ["topic"] = "news" });
        await using var sub = ChildProcess.Start(
            OverlayCli.Program, ["gossip", "sub", "news", "--connect", a.Address, "--connect", b.Address, "--count", "2", "--js-ids", "--json"]);
        await a.RunAsync("mesh", new JsonObject { ["topic"] = "news", ["count"] = 1 });
        await b.RunAsync("mesh", new JsonObject { ["topic"] = "news", ["count"] = 1 });

        await a.RunAsync("publish", new JsonObject { ["topic"] = "news", ["text"] = "from a" });
        Assert.Equal("from a", (await b.WaitForEventAsync("message", a.PeerId)).GetProperty("text").GetString());
        await b.RunAsync("publish", new JsonObject { ["topic"] = "news", ["text"] = "from b" });
        Assert.Equal("from b", (await a.WaitForEventAsync("message", b.PeerId)).GetProperty("text").GetString());

        Assert.Equal(0, await sub.WaitForExitAsync(s_patience, Cancellation));
    }

    private static async Task<JsonElement> ReadAsync(ChildProcess process, string name)
    {
        while (true)
        {
            string line = await process.ReadLineAsync(s_patience, Cancellation) ?? throw new InvalidOperationException($"The command ended:\n{process.Errors}");
            JsonElement said = JsonElement.Parse(line);
            if (said.GetProperty("event").GetString() == name) return said;
        }
    }
}
