using System.Text.Json;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>Nodes on a LAN that nobody has told of each other: <c>overlay run</c> without any address.</summary>
public sealed class LanTests
{
    [Theory]
    [InlineData("10.77.0.1/24", "10.77.0.2/24")]
    [InlineData("fd77::1/64", "fd77::2/64")]
    public async Task Run_TwoHostsOnALan_FindEachOther(string firstAddress, string secondAddress)
    {
        await using TwoHosts lan = await TwoHosts.CreateAsync(firstAddress, secondAddress);
        using var firstFolder = new TemporaryFolder();
        using var secondFolder = new TemporaryFolder();
        await using OverlayNodeProcess first = await OverlayNodeProcess.StartOnAsync(lan.First, firstFolder.Path);
        await using OverlayNodeProcess second = await OverlayNodeProcess.StartOnAsync(lan.Second, secondFolder.Path);

        JsonElement seenByFirst = await WaitForPeerAsync(first, second.PeerId, "connected");
        JsonElement seenBySecond = await WaitForPeerAsync(second, first.PeerId, "connected");

        // Whoever dialled had heard of the other; the other may only know that it was dialled.
        Assert.Contains("mdns", new[] { seenByFirst, seenBySecond }.Select(seen => seen.GetProperty("found").GetString()));
        await second.StopAsync();
        await WaitForPeerAsync(first, second.PeerId, "disconnected");
    }

    [Fact]
    public async Task Run_JsPeerOnTheLan_EachFindsTheOther()
    {
        await using TwoHosts lan = await TwoHosts.CreateAsync("10.77.0.1/24", "10.77.0.2/24");
        using var folder = new TemporaryFolder();
        await using JsPeer js = await JsPeer.StartOnAsync(lan.First);
        await using OverlayNodeProcess node = await OverlayNodeProcess.StartOnAsync(lan.Second, folder.Path);

        await js.WaitForEventAsync("discovery", node.PeerId);
        JsonElement seen = await WaitForPeerAsync(node, js.PeerId, "connected");

        Assert.Equal("mdns", seen.GetProperty("found").GetString());
        Assert.Equal("outbound", seen.GetProperty("direction").GetString());
        await js.WaitForEventAsync("connect", node.PeerId);
    }

    [Fact]
    public async Task AvahiBrowse_ANodeOnTheLan_IsSeenAndResolved()
    {
        await using TwoHosts lan = await TwoHosts.CreateAsync("10.77.0.1/24", "10.77.0.2/24");
        using var folder = new TemporaryFolder();
        await using Avahi avahi = await Avahi.StartAsync(lan.First);
        await using OverlayNodeProcess node = await OverlayNodeProcess.StartOnAsync(lan.Second, folder.Path);

        IReadOnlyList<string> found = await avahi.BrowseAsync("_p2p._udp");

        Assert.All(found, line =>
        {
            Assert.Contains("10.77.0.2", line, StringComparison.Ordinal);
            Assert.Contains($"/p2p/{node.PeerId}", line, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Peers_OfTheRunningNode_AreShown()
    {
        await using TwoHosts lan = await TwoHosts.CreateAsync("10.77.0.1/24", "10.77.0.2/24");
        using var firstFolder = new TemporaryFolder();
        using var secondFolder = new TemporaryFolder();
        await using OverlayNodeProcess first = await OverlayNodeProcess.StartOnAsync(lan.First, firstFolder.Path);
        await using OverlayNodeProcess second = await OverlayNodeProcess.StartOnAsync(lan.Second, secondFolder.Path);
        await WaitForPeerAsync(first, second.PeerId, "connected");

        JsonElement shown;
        do shown = (await OverlayCli.SucceedAsync("peers", "--data", firstFolder.Path)).SingleOrDefault(peer =>
            peer.GetProperty("since").ValueKind == JsonValueKind.String);
        while (shown.ValueKind == JsonValueKind.Undefined);

        Assert.Equal(second.PeerId, shown.GetProperty("peerId").GetString());
        Assert.StartsWith("/ip4/10.77.0.2/tcp/", shown.GetProperty("address").GetString(), StringComparison.Ordinal);
    }

    private static async Task<JsonElement> WaitForPeerAsync(OverlayNodeProcess node, string peerId, string change)
    {
        while (true)
        {
            JsonElement told = await node.WaitForEventAsync("peer");
            if (told.GetProperty("peerId").GetString() == peerId && told.GetProperty("change").GetString() == change) return told;
        }
    }
}
