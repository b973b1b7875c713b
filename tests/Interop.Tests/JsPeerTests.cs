using System.Text.Json;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>The js peer against itself: when these fail, the fault is in the harness and not in Overlay.</summary>
public sealed class JsPeerTests
{
    [Fact]
    public async Task JsPeer_AnotherJsPeer_SpeaksEveryProtocolOfTheTests()
    {
        await using JsPeer server = await JsPeer.StartAsync();
        await using JsPeer client = await JsPeer.StartAsync(listens: false);

        JsonElement connection = await client.DialAsync(server.Address);
        JsonElement identity = await client.RunWithAsync(server.PeerId, "identify");
        await client.RunWithAsync(server.PeerId, "ping");
        JsonElement perf = await client.RunWithAsync(server.PeerId, "perf", ("upload", 1 << 20), ("download", 3 << 20));
        JsonElement echo = await client.RunWithAsync(server.PeerId, "echoMany", ("count", 100), ("size", 10_000));
        await client.RunWithAsync(server.PeerId, "halfClose", ("size", 1 << 20));
        await client.RunWithAsync(server.PeerId, "beReset");

        Assert.Equal("/yamux/1.0.0", connection.GetProperty("multiplexer").GetString());
        Assert.Equal(server.PeerId, identity.GetProperty("peerId").GetString());
        Assert.Equal(3 << 20, perf.GetProperty("downloaded").GetInt64());
        Assert.Equal(1_000_000, echo.GetProperty("bytes").GetInt64());
    }

    [Fact]
    public async Task JsPeer_ForgedIdentity_IsRefusedByAnotherJsPeer()
    {
        await using JsPeer server = await JsPeer.StartAsync();
        await using JsPeer impostor = await JsPeer.StartAsync(listens: false, forged: true);

        try
        {
            // The dialer speaks last in the handshake: it may believe in the connection until the listener hangs up.
            await impostor.DialAsync(server.Address);
            await impostor.WaitForEventAsync("disconnect", server.PeerId);
        }
        catch (JsPeerException)
        {
        }

        JsonElement connections = await server.RunAsync("connections");
        Assert.Equal(0, connections.GetProperty("peers").GetArrayLength());
    }

    [Fact]
    public async Task JsPeer_UnknownCommand_AnswersWithAnError()
    {
        await using JsPeer peer = await JsPeer.StartAsync(listens: false);

        var error = await Assert.ThrowsAsync<JsPeerException>(() => peer.RunAsync("fly"));

        Assert.Contains("fly", error.Message, StringComparison.Ordinal);
    }
}
