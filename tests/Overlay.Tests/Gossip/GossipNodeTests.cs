using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Overlay.Gossip;
using Overlay.Gossip.Messages;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Gossip;

/// <summary>Whole nodes over real sockets on loopback.</summary>
public sealed class GossipNodeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Publish_ThreeNodesInALine_ReachesTheFarEndOnceAndCarriesItsAuthor()
    {
        await using var a = await Member.StartAsync();
        await using var b = await Member.StartAsync();
        await using var c = await Member.StartAsync();
        await using GossipSubscription atB = b.Node.Subscribe("news"), atC = c.Node.Subscribe("news");
        await a.ConnectAsync(b);
        await b.ConnectAsync(c);
        await Until(() => a.Node.PeersOf("news").Count == 1 && b.Node.MeshOf("news").Count == 1 && c.Node.MeshOf("news").Count == 1);

        Assert.Equal(1, await a.Node.PublishAsync("news", "hello"u8.ToArray(), Cancellation));
        await a.Node.PublishAsync("news", "again"u8.ToArray(), Cancellation);

        GossipMessage[] received = await TakeAsync(atC, 2);
        Assert.Equal(["hello", "again"], received.Select(Text));
        Assert.All(received, message => Assert.Equal((a.Id, b.Id), (message.Author, message.ReceivedFrom)));
        Assert.Equal(["hello", "again"], (await TakeAsync(atB, 2)).Select(Text));
        Assert.True(c.Node.ScoreOf(b.Id) > 0);
    }

    [Fact]
    public async Task Publish_LongMessage_ArrivesWhole()
    {
        await using var a = await Member.StartAsync();
        await using var b = await Member.StartAsync();
        await using GossipSubscription atB = b.Node.Subscribe("news");
        await a.ConnectAsync(b);
        await Until(() => a.Node.PeersOf("news").Count == 1);
        byte[] data = new byte[200_000];
        new Random(1).NextBytes(data);

        await a.Node.PublishAsync("news", data, Cancellation);

        Assert.Equal(data, (await TakeAsync(atB, 1))[0].Data.ToArray());
        await Assert.ThrowsAsync<ArgumentException>(() => a.Node.PublishAsync("news", new byte[300_000], Cancellation).AsTask());
    }

    [Theory]
    [InlineData(100, 4096)]
    [InlineData(1024, 20)]
    public async Task Publish_ThousandsAtOnce_AllArriveBecauseReaderAndAuthorWaitForEachOther(int maxPendingOfOne, int maxPending)
    {
        const int Count = 3000;
        var options = new GossipOptions
        {
            Limits = new GossipLimits
            {
                MaxSubscriptionQueue = Count,
                MaxPendingChecksPerPeer = maxPendingOfOne,
                MaxPendingChecks = maxPending,
                MaxSendQueueSize = 65536,
            },
        };
        await using var a = await Member.StartAsync(options);
        await using var b = await Member.StartAsync(options);
        await using GossipSubscription atB = b.Node.Subscribe("news");
        await a.ConnectAsync(b);
        await Until(() => a.Node.PeersOf("news").Count == 1);

        for (int i = 0; i < Count; i++) await a.Node.PublishAsync("news", Encoding.UTF8.GetBytes($"{i}"), Cancellation);

        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"{i}"), (await TakeAsync(atB, Count)).Select(Text));
        Assert.Equal(0, atB.DroppedCount);
    }

    [Fact]
    public async Task Validator_Rejects_KeepsTheMessageFromOthersAndItsSenderLosesScore()
    {
        await using var a = await Member.StartAsync();
        await using var b = await Member.StartAsync();
        await using GossipSubscription atB = b.Node.Subscribe("news");
        using IDisposable validator = b.Node.Validate("news", (message, _) => ValueTask.FromResult(Text(message) switch
        {
            "bad" => GossipVerdict.Reject,
            "odd" => throw new InvalidOperationException("The validator is at a loss."),
            _ => GossipVerdict.Accept,
        }));
        await a.ConnectAsync(b);
        await Until(() => a.Node.PeersOf("news").Count == 1);

        foreach (string text in new[] { "bad", "odd", "good" }) await a.Node.PublishAsync("news", Encoding.UTF8.GetBytes(text), Cancellation);

        Assert.Equal("good", Text((await TakeAsync(atB, 1))[0]));
        await Until(() => b.Node.ScoreOf(a.Id) is > -101 and < -90);
    }

    [Fact]
    public async Task Subscriptions_SaidOnceBeforeTheStreamToThePeerBreaks_AreKnownOnTheNextOne()
    {
        await using var a = await Member.StartAsync();
        using var identity = PeerIdentity.Generate();
        await using var peer = new PeerHost(identity);
        TaskCompletionSource second = new(TaskCreationOptions.RunContinuationsAsynchronously), done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int opened = 0;
        using IDisposable handler = peer.Protocols.Handle("/meshsub/1.1.0", async (stream, cancellation) =>
        {
            if (Interlocked.Increment(ref opened) == 1)
            {
                stream.Abort("Not this one.");
                return;
            }

            second.TrySetResult();
            await done.Task.WaitAsync(cancellation);
        });
        PeerConnection connection = await peer.ConnectAsync(a.Address, Cancellation);
        await using PeerStream said = await connection.OpenStreamAsync("/meshsub/1.1.0", Cancellation);
        var rpc = new Rpc();
        rpc.Subscriptions.Add(new SubscriptionChange("news", true));

        await said.Output.WriteAsync(LengthPrefixed.Frame(new RpcEncoder().Encode(rpc)), Cancellation);

        await second.Task.WaitAsync(Cancellation);
        await Until(() => a.Node.PeersOf("news").Count == 1);
        done.SetResult();
    }

    [Fact]
    public async Task SignatureCheck_Throws_LosesTheMessageButNobodyIsBlamed()
    {
        int failures = 1;
        await using var a = await Member.StartAsync();
        await using var b = await Member.StartAsync(checkSignatures: batch =>
            Interlocked.Decrement(ref failures) < 0 ? SignatureCheck.HoldVarTime(batch) : throw new InvalidOperationException("The library is at a loss."));
        await using GossipSubscription atB = b.Node.Subscribe("news");
        await a.ConnectAsync(b);
        await Until(() => a.Node.PeersOf("news").Count == 1);

        await a.Node.PublishAsync("news", "lost"u8.ToArray(), Cancellation);
        await Until(() => Volatile.Read(ref failures) == 0);
        await a.Node.PublishAsync("news", "found"u8.ToArray(), Cancellation);

        Assert.Equal("found", Text((await TakeAsync(atB, 1))[0]));
        Assert.True(b.Node.ScoreOf(a.Id) > 0);
    }

    [Fact]
    public async Task SignedRecord_ComesAfterTheLink_IsTakenAllTheSame()
    {
        await using var a = await Member.StartAsync();
        await using var b = await Member.StartAsync();
        await a.ConnectAsync(b);
        await Until(() => b.Node.SignedRecordOf(a.Id).Length > 0);
        byte[] first = b.Node.SignedRecordOf(a.Id).ToArray();

        await a.ListenAgainAsync();

        await Until(() => !b.Node.SignedRecordOf(a.Id).Span.SequenceEqual(first));
        Assert.True(SignedPeerRecord.TryOpen(b.Node.SignedRecordOf(a.Id).Span, out SignedPeerRecord? record));
        Assert.Equal(2, record.Addresses.Count);
    }

    [Fact]
    public async Task Rpc_Oversized_ResetsItsStreamAndCostsScoreButNotTheConnection()
    {
        await using var a = await Member.StartAsync();
        await using var b = await Member.StartAsync();
        PeerConnection connection = await a.ConnectAsync(b);
        await Until(() => b.Node.ScoreOf(a.Id) is not null);

        for (int i = 0; i < 8; i++)
        {
            await using PeerStream stream = await connection.OpenStreamAsync("/meshsub/1.1.0", Cancellation);
            await Assert.ThrowsAsync<ConnectionException>(async () =>
            {
                // Announces 1 MiB and one byte. The reset may come while this is still written.
                await stream.Output.WriteAsync(new byte[] { 0x81, 0x80, 0x40 }, Cancellation);
                while (!(await stream.Input.ReadAsync(Cancellation)).IsCompleted)
                {
                }
            });
        }

        await Until(() => b.Node.ScoreOf(a.Id) < -30);
        Assert.False(connection.Closed.IsCancellationRequested);
    }

    [Fact]
    public async Task Heartbeat_EverythingThrowsForAWhile_GoesOn()
    {
        var time = new FailingTime();
        var options = new GossipOptions
        {
            HeartbeatInterval = TimeSpan.FromMilliseconds(50),
            Score = new PeerScoreOptions { AppSpecificScore = _ => throw new InvalidOperationException("At a loss.") },
        };
        await using var a = await Member.StartAsync(options, time);
        await using var b = await Member.StartAsync();
        await using GossipSubscription atA = a.Node.Subscribe("news"), atB = b.Node.Subscribe("news");
        time.IsFailing = true;
        await Until(() => time.FailureCount > 10);
        time.IsFailing = false;

        await a.ConnectAsync(b);
        await Until(() => a.Node.MeshOf("news").Count == 1);
        await b.Node.PublishAsync("news", "still there"u8.ToArray(), Cancellation);

        Assert.Equal("still there", Text((await TakeAsync(atA, 1))[0]));
    }

    [Fact]
    public async Task Node_Disposed_EndsSubscriptionsAndTheOthersForgetIt()
    {
        await using var a = await Member.StartAsync();
        await using var b = await Member.StartAsync();
        await using GossipSubscription atA = a.Node.Subscribe("news"), atB = b.Node.Subscribe("news");
        await a.ConnectAsync(b);
        await Until(() => a.Node.MeshOf("news").Count == 1 && b.Node.MeshOf("news").Count == 1);

        await a.Node.DisposeAsync();

        await foreach (GossipMessage _ in atA)
        {
        }

        await Until(() => b.Node.PeersOf("news").Count == 0);
    }

    [Fact]
    public async Task OverlayNode_WithGossip_SubscribesAndPublishes()
    {
        var options = new OverlayOptions { Listen = ["/ip4/127.0.0.1/tcp/0"], Gossip = new GossipOptions { AllowedTopics = ["/overlay/*"] } };
        await using OverlayNode a = await OverlayNode.StartAsync(options, cancellationToken: Cancellation);
        await using OverlayNode b = await OverlayNode.StartAsync(options, cancellationToken: Cancellation);
        await using GossipSubscription topic = b.Gossip!.Subscribe("/overlay/demand/1/DE");
        await a.Peers.ConnectAsync(b.Addresses[0], Cancellation);
        await Until(() => a.Gossip!.PeersOf("/overlay/demand/1/DE").Count == 1);

        await a.Gossip!.PublishAsync("/overlay/demand/1/DE", "wanted"u8.ToArray(), Cancellation);

        Assert.Equal("wanted", Text((await TakeAsync(topic, 1))[0]));
        Assert.Throws<ArgumentException>(() => a.Gossip.Subscribe("elsewhere"));
    }

    private static string Text(GossipMessage message) => Encoding.UTF8.GetString(message.Data.Span);

    private static async Task<GossipMessage[]> TakeAsync(GossipSubscription subscription, int count)
    {
        var taken = new List<GossipMessage>();
        await foreach (GossipMessage message in subscription.WithCancellation(Cancellation))
        {
            taken.Add(message);
            if (taken.Count == count) break;
        }

        return [.. taken];
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Prune_PeersFromOneThatTheHostTrusts_AreDialledOnlyWhereTheNodeMay(bool mayDial)
    {
        var asked = new TaskCompletionSource<IReadOnlyList<Multiaddr>>(TaskCreationOptions.RunContinuationsAsynchronously);
        DialableAddresses dialable = (told, _) =>
        {
            asked.TrySetResult(told);
            return ValueTask.FromResult(mayDial ? told : []);
        };
        await using var a = await Member.StartAsync(new GossipOptions { Score = new PeerScoreOptions { AppSpecificScore = _ => 1000 } }, dialable: dialable);
        await using var b = await Member.StartAsync(new GossipOptions { PeerExchange = true });
        await using var c = await Member.StartAsync();
        await using GossipSubscription atA = a.Node.Subscribe("news"), atC = c.Node.Subscribe("news");
        GossipSubscription atB = b.Node.Subscribe("news");
        await b.ConnectAsync(a);
        await b.ConnectAsync(c);
        await Until(() => b.Node.MeshOf("news").Count == 2 && a.Node.MeshOf("news").Count == 1);

        await atB.DisposeAsync();

        Assert.Contains(c.Address.WithoutPeerId(), (await asked.Task.WaitAsync(Cancellation)).Select(address => address.WithoutPeerId()));
        if (mayDial) await Until(() => a.IsConnectedTo(c));
        else Assert.False(a.IsConnectedTo(c));
    }

    [Fact]
    public async Task DirectPeer_IsDialledAgainWhenItsConnectionEnds()
    {
        await using var a = await Member.StartAsync();
        await using var b = await Member.StartAsync(new GossipOptions
        {
            DirectPeers = [a.Address.ToString()],
            DirectPeerInterval = TimeSpan.FromMilliseconds(100)
        });
        await using GossipSubscription atA = a.Node.Subscribe("news");
        await Until(() => b.Node.PeersOf("news").Count == 1);
        PeerConnection first = b.ConnectionTo(a)!;

        first.Abort("The line is cut.");

        await Until(() => b.ConnectionTo(a) is { } second && second != first);
    }

    // What is waited for happens on other threads of real nodes and has no event; the test's own time limit ends a wait in vain.
    private static async Task Until(Func<bool> condition)
    {
        while (!condition())
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>A clock that breaks on demand, and with it everything that asks for the time.</summary>
    private sealed class FailingTime : TimeProvider
    {
        private int _failures;

        internal volatile bool IsFailing;

        internal int FailureCount => Volatile.Read(ref _failures);

        public override long GetTimestamp()
        {
            if (!IsFailing) return base.GetTimestamp();
            Interlocked.Increment(ref _failures);
            throw new InvalidOperationException("The clock is broken.");
        }
    }

    private sealed class Member(PeerIdentity identity, PeerHost host, GossipNode node) : IAsyncDisposable
    {
        internal GossipNode Node => node;

        internal PeerId Id => identity.PeerId;

        internal static async Task<Member> StartAsync(GossipOptions? options = null, TimeProvider? time = null, DialableAddresses? dialable = null,
            Func<IReadOnlyList<PendingMessage>, bool[]>? checkSignatures = null)
        {
            var identity = PeerIdentity.Generate();
            var host = new PeerHost(identity);
            await host.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Cancellation);
            return new Member(identity, host, new GossipNode(
                identity, host, options ?? new GossipOptions(), time ?? TimeProvider.System, NullLogger.Instance,
                dialable: dialable, checkSignatures: checkSignatures));
        }

        internal async Task ListenAgainAsync() => await host.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Cancellation);

        internal async Task<PeerConnection> ConnectAsync(Member other) => await host.ConnectAsync(other.Address, Cancellation);

        internal PeerConnection? ConnectionTo(Member other) => host.FindConnection(other.Id);

        internal bool IsConnectedTo(Member other) => host.FindConnection(other.Id) is not null;

        internal Multiaddr Address => host.ListenAddresses[0];

        public async ValueTask DisposeAsync()
        {
            await node.DisposeAsync();
            await host.DisposeAsync();
            identity.Dispose();
        }
    }
}
