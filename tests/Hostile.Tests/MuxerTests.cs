using System.Net;
using Overlay.TestKit.HostilePeers;
using Overlay.TestKit.HostilePeers.Muxing;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Resources;

namespace Overlay.Hostile.Tests;

/// <summary>What a peer may do with frames and streams.</summary>
public sealed class MuxerTests
{
    public static TheoryData<string> ForgedFramesNames => [.. s_forged.Keys];

    private static readonly Dictionary<string, ForgedFrames> s_forged = new[]
    {
        ForgedFrames.OversizeFrame, ForgedFrames.OversizeOpening, ForgedFrames.OverWindow, ForgedFrames.WindowOverflow, ForgedFrames.WindowOverflowAtOpening,
        ForgedFrames.UnknownVersion, ForgedFrames.UnknownType, ForgedFrames.StreamZero, ForgedFrames.WrongParity, ForgedFrames.ReusedId, ForgedFrames.DecreasingId,
        ForgedFrames.NeverOpened, ForgedFrames.LastId, ForgedFrames.UnsolicitedPong, ForgedFrames.DataBehindFin,
    }.ToDictionary(frames => frames.Name);

    [Theory]
    [MemberData(nameof(ForgedFramesNames))]
    public Task ForgedFrames_OfEveryKind_EndTheConnection(string name) => ExpectCutOffAsync(s_forged[name], ConnectionError.ProtocolViolation);

    [Fact]
    public Task UnknownGoAway_EndsTheConnection() => ExpectCutOffAsync(ForgedFrames.UnknownGoAway, ConnectionError.GoAway);

    [Theory]
    [InlineData(nameof(ForgedFrames.UnknownFlags))]
    [InlineData(nameof(ForgedFrames.FinTwiceThenReset))]
    public async Task HarmlessFrames_AreTolerated(string name)
    {
        await using Arena arena = await Arena.CreateAsync();
        using var peer = new HostilePeer();
        await using (HandMuxer muxer = await peer.MuxAsync(arena.Target, arena.Cancellation))
        {
            ForgedFrames frames = name == nameof(ForgedFrames.UnknownFlags) ? ForgedFrames.UnknownFlags : ForgedFrames.FinTwiceThenReset;
            await muxer.SendAsync(frames.Bytes, arena.Cancellation);
            await muxer.SendAsync(new HandFrame(HandFrame.Ping, HandFrame.Syn, 0, 4711), arena.Cancellation);
            while (await muxer.ReadAsync(arena.Cancellation) is { } frame && frame.Header != new HandFrame(HandFrame.Ping, HandFrame.Ack, 0, 4711)) { }
            Assert.Single(arena.Host.Connections);
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task PingFlood_EndsTheConnection(bool reads) => ExpectCutOffAsync(new PingFlood(reads), ConnectionError.LimitExceeded);

    [Fact]
    public Task RapidReset_EndsTheConnection() => ExpectCutOffAsync(new RapidReset(), ConnectionError.LimitExceeded);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task StreamFlood_EndsTheConnection(bool reads) => ExpectCutOffAsync(new StreamFlood(reads), ConnectionError.LimitExceeded);

    [Fact]
    public Task EmptyUpdateFlood_EndsTheConnection() => ExpectCutOffAsync(new EmptyUpdateFlood(), ConnectionError.LimitExceeded);

    [Fact]
    public Task EmptyDataFlood_EndsTheConnection() => ExpectCutOffAsync(new EmptyDataFlood(), ConnectionError.LimitExceeded);

    [Fact]
    public Task StrayFrameFlood_EndsTheConnection() => ExpectCutOffAsync(new StrayFrameFlood(), ConnectionError.LimitExceeded);

    [Fact]
    public Task GoAwayFlood_EndsTheConnection() => ExpectCutOffAsync(new GoAwayFlood(), ConnectionError.LimitExceeded);

    [Fact]
    public Task MakesTheHostReset_WithoutEnd_EndsTheConnection() => ExpectCutOffAsync(new MakesTheHostReset(), ConnectionError.LimitExceeded);

    [Fact]
    public Task StreamProposalFlood_EndsTheStreamsAndThenTheConnection() => ExpectCutOffAsync(new StreamProposalFlood(), ConnectionError.LimitExceeded);

    [Fact]
    public Task OpensBehindGoAway_EndsTheConnection() => ExpectCutOffAsync(new OpensBehindGoAway(), ConnectionError.Closed);

    [Fact]
    public Task SlowClose_EndsTheConnection() => ExpectCutOffAsync(new SlowClose(), ConnectionError.EndOfStream);

    [Fact]
    public async Task StreamFlood_StreamsThatSayNothing_AreGivenUpAtTheDeadline()
    {
        await using Arena arena = await Arena.CreateAsync();
        using var peer = new HostilePeer();
        await using (HandMuxer muxer = await peer.MuxAsync(arena.Target, arena.Cancellation))
        {
            Task reading = muxer.ReadPolitelyAsync(arena.Cancellation);
            await muxer.SendAsync(HandFrame.Many(50, _ => new HandFrame(HandFrame.WindowUpdate, HandFrame.Syn, muxer.NextId(), 0)), arena.Cancellation);
            await muxer.Line.SendAsync(new HandFrame(HandFrame.Ping, HandFrame.Syn, 0, 1).Encode(), arena.Cancellation);
            await arena.ExpectServiceAsync();
            arena.Time.Advance(new TransportOptions().NegotiationTimeout);
            await arena.ExpectLoggedAsync(1005, 50, record => record.Message.Contains("took longer", StringComparison.Ordinal));
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task NeverReads_WhileTheHostHasMuchToSay_EndsAtTheDeadline()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(new NeverReads()))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            arena.Time.Advance(new TransportOptions().Yamux.WriteStallTimeout);
            await arena.ExpectCutOffAsync(ConnectionError.Timeout);
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task UnreadStreams_UnderManyNamesFromOneAddress_HoldTogetherWhatOneAddressMay()
    {
        const long Limit = 8 << 20;
        var rule = new PrefixRule(IPNetwork.Parse("127.6.6.0/24"), 32) { Limits = new() { MaxMemorySize = Limit } };
        await using Arena arena = await Arena.CreateOnTcpAsync(new TransportOptions { Resources = new() { PrefixRules = [rule] } });
        // 3 MiB each: none would come to the limit alone, two neither.
        Attack[] attacks = [.. Enumerable.Range(0, 4).Select(_ => arena.Begin(new UnreadStreams(16, 200_000)))];
        while (!arena.Host.Resources.Refusals.Any(r => r is { Scope: ResourceScopeKind.Prefix, Resource: ResourceKind.Memory })) await arena.ExpectServiceAsync();

        await arena.ExpectServiceAsync();
        Assert.All(arena.Host.Resources.Prefixes, prefix => Assert.InRange(prefix.Value.MemorySize, 0, Limit));
        foreach (Attack attack in attacks) await attack.DisposeAsync();

        // What waits for memory looks again by the clock. The rule holds for the attackers' address alone.
        while (arena.Host.Resources.PrefixCount > 0)
        {
            arena.Time.Advance(TimeSpan.FromSeconds(1));
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public async Task PlaysDead_EndsWhenAPingIsOverdue()
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(new PlaysDead()))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            arena.Time.Advance(new TransportOptions().Yamux.KeepAliveTimeout);
            await arena.ExpectCutOffAsync(ConnectionError.KeepAliveTimeout);
        }

        await arena.ExpectCalmAsync();
    }

    [Fact]
    public Task TricklingWriter_TakesNothingFromOthers() => ExpectToleratedAsync(new TricklingWriter());

    [Fact]
    public Task UnreadStreams_ByTheThousand_TakeNothingFromOthers() => ExpectToleratedAsync(new UnreadStreams());

    [Fact]
    public async Task Streams_ThatThePeerNeverAcknowledges_AreBoundedAndEndWithTheConnection()
    {
        await using Arena arena = await Arena.CreateAsync(new TransportOptions { IdentifyOnConnect = false });
        using var peer = new HostilePeer();
        List<Task> opening = [];
        await using (HandMuxer muxer = await peer.MuxAsync(arena.Target, arena.Cancellation))
        {
            Task reading = muxer.ReadPolitelyAsync(arena.Cancellation);
            await arena.UntilAsync(() => arena.Host.Connections.Count == 1, "connection");
            PeerConnection connection = arena.Host.Connections[0];
            int limit = new TransportOptions().Yamux.AckBacklog;
            for (int i = 0; i < 2 * limit; i++) opening.Add(connection.OpenStreamAsync(HonestPeer.Echo, arena.Cancellation).AsTask());
            await Task.WhenAll(opening.Take(limit));
            Assert.DoesNotContain(opening.Skip(limit), task => task.IsCompleted);
            await arena.ExpectServiceAsync();
        }

        foreach (Task waiting in opening.Skip(new TransportOptions().Yamux.AckBacklog)) await Assert.ThrowsAsync<ConnectionException>(() => waiting);
        await arena.ExpectCalmAsync();
    }

    private static async Task ExpectToleratedAsync(Misbehaviour misbehaviour)
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(misbehaviour))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
        }

        await arena.ExpectCalmAsync();
    }

    private static async Task ExpectCutOffAsync(Misbehaviour misbehaviour, ConnectionError error)
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(misbehaviour))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            await arena.ExpectCutOffAsync(error);
        }

        await arena.ExpectCalmAsync();
    }
}
