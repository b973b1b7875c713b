using Overlay.TestKit.HostilePeers.Handshakes;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Hostile.Tests;

/// <summary>What a peer may do before it is one.</summary>
public sealed class HandshakeTests
{
    private static readonly TimeSpan s_upgrade = new Transport.TransportOptions().UpgradeTimeout;

    [Fact]
    public async Task SilentSockets_ByTheThousand_OthersAreServedAndTheSilentEnd()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(new SilentSockets(1000)))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            arena.Time.Advance(s_upgrade);
            await arena.ExpectRefusedAsync(ConnectionError.Timeout, ConnectionStep.NegotiateSecurity);
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task SilentSockets_OnRealSockets_OthersAreServed()
    {
        await using Arena arena = await Arena.CreateOnTcpAsync();
        await using (Attack attack = arena.Begin(new SilentSockets(200)))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }
}
