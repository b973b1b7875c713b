using Overlay.TestKit.HostilePeers;
using Overlay.TestKit.HostilePeers.Handshakes;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Hostile.Tests;

/// <summary>What a stranger may do before it has proved who it is.</summary>
public sealed class HandshakeTests
{
    private static readonly TimeSpan s_upgrade = new TransportOptions().UpgradeTimeout;

    private static readonly int s_maxPending = new TransportOptions().Resources.Transient.MaxInboundConnectionCount;

    // Longer than any test moves its clock.
    private static readonly TimeSpan s_never = TimeSpan.FromHours(1);

    [Fact]
    public async Task SilentSockets_ByTheThousand_GiveWayAndEnd()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(new SilentSockets(1000, s_never)))
        {
            // All are in; only those that had room are left, and hold it.
            await arena.UntilAsync(() => attack.RoundCount >= 1000 - s_maxPending, "end of those that had no room");
            await arena.ExpectServiceAsync();
            arena.Time.Advance(s_upgrade);
            await arena.ExpectRefusedAsync(ConnectionError.Timeout, ConnectionStep.NegotiateSecurity);
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task SilentSockets_OfAnotherNetwork_GiveWayAmongThemselves()
    {
        await using Arena arena = await Arena.CreateOnTcpAsync();
        await using (Attack attack = arena.Begin(new SilentSockets(200, s_never)))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            await arena.ExpectRefusedAsync(ConnectionError.LimitExceeded, ConnectionStep.NegotiateSecurity);
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task HalfHandshakes_ByTheHundred_GiveWayAndEnd()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(new HalfHandshakes(300, s_never)))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.UntilAsync(() => attack.RoundCount >= 300 - s_maxPending, "end of those that had no room");
            await arena.ExpectServiceAsync();
            arena.Time.Advance(s_upgrade);
            await arena.ExpectRefusedAsync(ConnectionError.Timeout, ConnectionStep.SecurityHandshake);
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task TrickledHandshake_AByteASecond_EndsAtTheDeadline()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(new TrickledHandshake()))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            for (int second = 0; second < s_upgrade.TotalSeconds; second++) arena.Time.Advance(TimeSpan.FromSeconds(1));
            await arena.ExpectRefusedAsync(ConnectionError.Timeout, ConnectionStep.NegotiateSecurity);
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task ConnectionChurn_WithEverNewIdentities_LeavesNothingBehind()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(new ConnectionChurn()))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            await arena.ExpectCutOffAsync(ConnectionError.ConnectionLost);
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task ConnectionChurn_OnRealSockets_LeavesNothingBehind()
    {
        await using Arena arena = await Arena.CreateOnTcpAsync();
        await using (Attack attack = arena.Begin(new ConnectionChurn()))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task OneIdentity_DialsFromManySockets_KeepsOnlySoMany()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(new OneIdentityManyConnections(40)))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            Assert.Single(arena.Host.Connections.GroupBy(connection => connection.RemotePeer));
            Assert.InRange(arena.Host.Connections.Count, 1, 8);
            await arena.ExpectRefusedAsync(ConnectionError.LimitExceeded, count: 32);
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task ForeignProtocol_OfEveryKind_IsRefused()
    {
        await using Arena arena = await Arena.CreateAsync();
        var misbehaviour = new ForeignProtocol();
        for (int i = 0; i < ForeignProtocol.GreetingCount; i++) await arena.RunOnceAsync(misbehaviour);
        await arena.ExpectLoggedAsync(1003, ForeignProtocol.GreetingCount, IsThePeersFault);
        await arena.ExpectCalmAsync();
    }

    [Fact]
    public Task EndlessLengthPrefix_OfALine_IsRefused() => ExpectRefusedAsync(new EndlessLengthPrefix(), ConnectionError.ProtocolViolation, ConnectionStep.NegotiateSecurity);

    [Fact]
    public Task OversizeLine_OfMultistream_IsRefused() => ExpectRefusedAsync(new OversizeLine(), ConnectionError.ProtocolViolation, ConnectionStep.NegotiateSecurity);

    [Fact]
    public Task ListFlood_BeforeSecurity_IsRefused() => ExpectRefusedAsync(new ListFlood(), ConnectionError.LimitExceeded, ConnectionStep.NegotiateSecurity);

    [Fact]
    public Task ProposalFlood_BeforeSecurity_IsRefused() => ExpectRefusedAsync(new ProposalFlood(), ConnectionError.LimitExceeded, ConnectionStep.NegotiateSecurity);

    [Fact]
    public Task MuxerNegotiationFlood_InsideTheChannel_IsRefused() =>
        ExpectRefusedAsync(new MuxerNegotiationFlood(), ConnectionError.LimitExceeded, ConnectionStep.NegotiateMuxer);

    [Fact]
    public Task OversizeHandshake_Announced_IsRefusedBeforeItArrives() =>
        ExpectRefusedAsync(new OversizeHandshake(), ConnectionError.LimitExceeded, ConnectionStep.SecurityHandshake);

    [Fact]
    public Task ReplayedIdentity_OverAnotherStaticKey_IsRefused() =>
        ExpectRefusedAsync(new ReplayedIdentity(), ConnectionError.AuthenticationFailed, ConnectionStep.SecurityHandshake);

    [Fact]
    public async Task ClaimedIdentity_OfAnother_IsRefusedAndNeverConnected()
    {
        using var victim = PeerIdentity.Generate();
        await using Arena arena = await Arena.CreateAsync();
        await arena.RunOnceAsync(new ClaimedIdentity(victim.PublicKey));
        await arena.ExpectRefusedAsync(ConnectionError.AuthenticationFailed, ConnectionStep.SecurityHandshake);
        Assert.Null(arena.Host.FindConnection(victim.PeerId));
        Assert.Equal(0, arena.CountLogged(1001));
        await arena.ExpectCalmAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task ForgedHandshake_AtEveryByte_IsRefused(int message)
    {
        await using Arena arena = await Arena.CreateAsync();
        var misbehaviour = new ForgedHandshake(message);
        int count = 0;
        do await arena.RunOnceAsync(misbehaviour);
        while (++count < misbehaviour.Size);
        await arena.ExpectLoggedAsync(1003, count, IsThePeersFault);
        Assert.Equal(0, arena.CountLogged(1001));
        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task SmallOrderKey_OfEveryKind_IsRefused()
    {
        await using Arena arena = await Arena.CreateAsync();
        var misbehaviour = new SmallOrderKey();
        for (int i = 0; i < SmallOrderKey.PointCount; i++) await arena.RunOnceAsync(misbehaviour);
        await arena.ExpectRefusedAsync(ConnectionError.ProtocolViolation, ConnectionStep.SecurityHandshake, SmallOrderKey.PointCount);
        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task HugeRsaIdentity_OfEveryKind_IsRefused()
    {
        await using Arena arena = await Arena.CreateAsync(new TransportOptions { Noise = new() { MaxHandshakeMessageSize = 16384 } });
        var misbehaviour = new HugeRsaIdentity();
        for (int i = 0; i < HugeRsaIdentity.KeyCount; i++) await arena.RunOnceAsync(misbehaviour);
        await arena.ExpectLoggedAsync(1003, HugeRsaIdentity.KeyCount, IsThePeersFault);
        Assert.Equal(0, arena.CountLogged(1001));
        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task PayloadBomb_OfEveryKind_IsRefused()
    {
        await using Arena arena = await Arena.CreateAsync();
        var misbehaviour = new PayloadBomb();
        for (int i = 0; i < PayloadBomb.BombCount; i++) await arena.RunOnceAsync(misbehaviour);
        await arena.ExpectRefusedAsync(ConnectionError.ProtocolViolation, ConnectionStep.SecurityHandshake, PayloadBomb.BombCount);
        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task MuxerLists_OfEveryKind_AreRefused()
    {
        await using Arena arena = await Arena.CreateAsync();
        var misbehaviour = new MuxerLists();
        for (int i = 0; i < MuxerLists.ListCount; i++) await arena.RunOnceAsync(misbehaviour);
        await arena.ExpectRefusedAsync(ConnectionError.LimitExceeded, ConnectionStep.SecurityHandshake, 3);
        await arena.ExpectRefusedAsync(ConnectionError.ProtocolNotSupported, ConnectionStep.SecurityHandshake, 2);
        await arena.ExpectCalmAsync();
    }

    private static bool IsThePeersFault(Microsoft.Extensions.Logging.Testing.FakeLogRecord record) =>
        record.GetStructuredStateValue("Fault") == nameof(Fault.Peer)
        && record.GetStructuredStateValue("Error") is nameof(ConnectionError.AuthenticationFailed) or nameof(ConnectionError.ProtocolViolation)
            or nameof(ConnectionError.LimitExceeded) or nameof(ConnectionError.EndOfStream);

    private static async Task ExpectRefusedAsync(Misbehaviour misbehaviour, ConnectionError error, ConnectionStep step)
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(misbehaviour))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            await arena.ExpectRefusedAsync(error, step);
        }

        await arena.ExpectCalmAsync();
    }
}
