using Overlay.TestKit.HostilePeers;
using Overlay.TestKit.HostilePeers.Protocols;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;

namespace Overlay.Hostile.Tests;

/// <summary>What a proved peer may do with the protocols that every host serves.</summary>
public sealed class ProtocolTests
{
    [Fact]
    public Task IdentifyManyAddresses_IsRefused() => ExpectLieRefusedAsync(IdentifyLies.ManyAddresses, "128 are allowed");

    [Fact]
    public Task IdentifyManyProtocols_IsRefused() => ExpectLieRefusedAsync(IdentifyLies.ManyProtocols, "256 are allowed");

    [Fact]
    public Task IdentifyOversizeMessage_IsRefusedBeforeItArrives() => ExpectLieRefusedAsync(IdentifyLies.OversizeMessage, "longer than the 8192 bytes allowed");

    [Fact]
    public Task IdentifyEndlessLength_IsRefused() => ExpectLieRefusedAsync(IdentifyLies.EndlessLength, "no valid varint");

    [Fact]
    public Task IdentifyManyMessages_IsRefused() => ExpectLieRefusedAsync(IdentifyLies.ManyMessages, "more than 10 identify messages");

    [Fact]
    public Task IdentifyGarbage_IsRefused() => ExpectLieRefusedAsync(IdentifyLies.Garbage, "no protobuf");

    [Fact]
    public Task IdentifyOthersKey_IsRefused() => ExpectLieRefusedAsync(IdentifyLies.OthersKey, "another peer's public key");

    [Fact]
    public Task IdentifyForgedRecord_IsNotBelieved() => ExpectRecordNotBelievedAsync(IdentifyLies.ForgedRecord, "forger/1");

    [Fact]
    public Task IdentifyOthersRecord_IsNotBelieved() => ExpectRecordNotBelievedAsync(IdentifyLies.OthersRecord, "thief/1");

    [Fact]
    public async Task IdentifyNoAnswer_EndsAtTheDeadline()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(IdentifyLies.NoAnswer))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            arena.Time.Advance(new IdentifyOptions().Timeout);
            await arena.ExpectLoggedAsync(1010, "took longer");
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public Task PushFlood_EndsTheConnection() => ExpectCutOffAsync(new PushFlood(), new TransportOptions());

    [Fact]
    public Task PingAbuse_EndsTheConnection() => ExpectCutOffAsync(new PingAbuse(), new TransportOptions());

    [Fact]
    public Task PerfAbuse_EndsTheConnection() => ExpectCutOffAsync(new PerfAbuse(), new TransportOptions { ServePerf = true });

    [Fact]
    public async Task PerfAbuse_OfFewStreams_IsBoundedByTheSendBuffer()
    {
        await using Arena arena = await Arena.CreateAsync(new TransportOptions { ServePerf = true });
        await using (Attack attack = arena.Begin(new PerfAbuse(140)))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectLoggedAsync(1005, 12);
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task UnreadEchoes_TakeNothingFromOthers()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(new UnreadEchoes()))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }

    private static async Task ExpectLieRefusedAsync(IdentifyLies lie, string words)
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(lie))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectLoggedAsync(1010, words);
            Assert.DoesNotContain(arena.Host.Connections, connection => arena.Host.FindPeerInfo(connection) is not null);
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }

    private static async Task ExpectRecordNotBelievedAsync(IdentifyLies lie, string agent)
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(lie))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.UntilAsync(() => arena.Host.Connections.Count == 1, "connection");
            PeerInfo info = await arena.Host.IdentifyAsync(arena.Host.Connections[0], arena.Cancellation);
            Assert.Equal(agent, info.AgentVersion);
            Assert.True(info.SignedPeerRecord.IsEmpty);
            Assert.Empty(info.ListenAddresses);
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }

    private static async Task ExpectCutOffAsync(Misbehaviour misbehaviour, TransportOptions options)
    {
        await using Arena arena = await Arena.CreateAsync(options);
        await using (Attack attack = arena.Begin(misbehaviour))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            await arena.ExpectCutOffAsync(ConnectionError.LimitExceeded, "come to nothing");
        }

        await arena.ExpectCalmAsync();
    }
}
