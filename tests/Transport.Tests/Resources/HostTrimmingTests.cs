using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Tests.Resources;

/// <summary>Which connections a host lets go, seen from its peers.</summary>
public class HostTrimmingTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Trim_AboveTheMark_KeepsProtectedAndValuedPeers()
    {
        await using var hosts = new Hosts();
        PeerHost b = hosts.Add(Hosts.Quiet(trimming: new TrimOptions { HighWater = 5, LowWater = 2 }));
        Multiaddr address = await Hosts.ListenAsync(b);
        PeerHost[] peers = [.. Enumerable.Range(0, 6).Select(_ => hosts.Add())];
        Assert.True(b.Protect(peers[1].PeerId, "test"));
        Assert.True(b.Tag(peers[4].PeerId, "test", 1));

        PeerConnection[] connections = await ConnectAllAsync(b, address, peers);
        await Hosts.UntilAsync(() =>
        {
            hosts.Time.Advance(s_second);
            return b.Connections.Count <= 2;
        });

        Assert.Equal(
            new[] { peers[1].PeerId, peers[4].PeerId }.OrderBy(p => p), b.Connections.Select(c => c.RemotePeer).OrderBy(p => p));
        await Hosts.UntilAsync(() => connections.Count(c => c.Closed.IsCancellationRequested) == 4);
        Assert.False(connections[1].Closed.IsCancellationRequested);
        await Hosts.UntilAsync(() => b.Resources.Node.ConnectionCount == 2);
    }

    [Fact]
    public async Task Trim_AllProtected_LetsNobodyGo()
    {
        await using var hosts = new Hosts();
        PeerHost b = hosts.Add(Hosts.Quiet(trimming: new TrimOptions { HighWater = 2, LowWater = 0 }));
        Multiaddr address = await Hosts.ListenAsync(b);
        PeerHost[] peers = [.. Enumerable.Range(0, 3).Select(_ => hosts.Add())];
        foreach (PeerHost peer in peers) b.Protect(peer.PeerId, "test");
        await ConnectAllAsync(b, address, peers);

        for (int i = 0; i < 300; i++)
        {
            hosts.Time.Advance(s_second);
            await Task.Yield();
        }

        Assert.Equal(3, b.Connections.Count);
        Assert.False(b.Unprotect(peers[0].PeerId, "test"));
        await Hosts.UntilAsync(() =>
        {
            hosts.Time.Advance(s_second);
            return b.Connections.Count == 2;
        });
        Assert.DoesNotContain(b.Connections, c => c.RemotePeer == peers[0].PeerId);
    }

    [Fact]
    public async Task Trim_StreamInUse_OutlivesAnIdleConnection()
    {
        await using var hosts = new Hosts();
        PeerHost b = hosts.Add(Hosts.Quiet(trimming: new TrimOptions { HighWater = 3, LowWater = 1 }));
        var held = new TaskCompletionSource();
        b.Protocols.Handle("/hold/1.0.0", async (stream, ct) =>
        {
            held.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        });
        Multiaddr address = await Hosts.ListenAsync(b);
        PeerHost[] peers = [.. Enumerable.Range(0, 3).Select(_ => hosts.Add())];
        PeerConnection[] connections = await ConnectAllAsync(b, address, peers);
        await using PeerStream stream = await connections[0].OpenStreamAsync("/hold/1.0.0", Cancellation);
        await stream.Output.FlushAsync(Cancellation);
        await held.Task.WaitAsync(Cancellation);

        await Hosts.UntilAsync(() =>
        {
            hosts.Time.Advance(s_second);
            return b.Connections.Count == 1;
        });

        Assert.Equal(peers[0].PeerId, Assert.Single(b.Connections).RemotePeer);
    }

    [Fact]
    public async Task Accept_FullNodeThatReplacesTheWorthless_TakesOneNewcomerInATime()
    {
        await using var hosts = new Hosts();
        PeerHost b = hosts.Add(Hosts.Quiet(
            new ResourceOptions { Node = new() { MaxConnectionCount = 2 } }, new TrimOptions { HighWater = 1000, MaxNewConnectionCount = 10, WhenFull = WhenFull.ReplaceWorthless }));
        Multiaddr address = await Hosts.ListenAsync(b);
        PeerHost[] peers = [.. Enumerable.Range(0, 5).Select(_ => hosts.Add())];
        b.Tag(peers[0].PeerId, "test", 1);
        PeerConnection[] connections = await ConnectAllAsync(b, address, peers[..2]);

        // While both are new, nothing makes room.
        await Assert.ThrowsAsync<ConnectionException>(async () => await peers[2].ConnectAsync(address, Cancellation));
        hosts.Time.Advance(new TrimOptions().GracePeriod);
        await peers[3].ConnectAsync(address, Cancellation);
        await Hosts.UntilAsync(() => connections[1].Closed.IsCancellationRequested);
        await Assert.ThrowsAsync<ConnectionException>(async () => await peers[4].ConnectAsync(address, Cancellation));

        await Hosts.UntilAsync(() => b.Connections.Count == 2);
        Assert.Equal(
            new[] { peers[0].PeerId, peers[3].PeerId }.OrderBy(p => p), b.Connections.Select(c => c.RemotePeer).OrderBy(p => p));
    }

    [Fact]
    public async Task Accept_FullNode_RefusesTheNewcomer()
    {
        await using var hosts = new Hosts();
        PeerHost b = hosts.Add(Hosts.Quiet(new ResourceOptions { Node = new() { MaxConnectionCount = 1 } }, new TrimOptions { HighWater = 1000 }));
        Multiaddr address = await Hosts.ListenAsync(b);
        PeerHost[] peers = [hosts.Add(), hosts.Add()];
        await ConnectAllAsync(b, address, peers[..1]);
        hosts.Time.Advance(TimeSpan.FromHours(1));

        await Assert.ThrowsAsync<ConnectionException>(async () => await peers[1].ConnectAsync(address, Cancellation));

        Assert.Equal(peers[0].PeerId, Assert.Single(b.Connections).RemotePeer);
    }

    [Fact]
    public async Task Options_MarksThatContradict_AreTheCallersMistake()
    {
        await using var hosts = new Hosts();

        Assert.Throws<ArgumentException>(() => hosts.Add(Hosts.Quiet(trimming: new TrimOptions { HighWater = 1, LowWater = 2 })));
    }

    /// <summary>Connects one after another, each as soon as the other side, too, has taken the one before.</summary>
    private static async Task<PeerConnection[]> ConnectAllAsync(PeerHost target, Multiaddr address, PeerHost[] peers)
    {
        var connections = new List<PeerConnection>();
        foreach (PeerHost peer in peers)
        {
            connections.Add(await peer.ConnectAsync(address, Cancellation));
            await Hosts.UntilAsync(() => target.Connections.Count == connections.Count);
        }

        return [.. connections];
    }
}
