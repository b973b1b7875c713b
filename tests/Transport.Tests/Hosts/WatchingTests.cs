using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tests.Hosts;

public sealed class WatchingTests
{
    [Fact]
    public async Task WatchConnections_ConnectedIdentifiedAndLost_IsTold()
    {
        await using var pair = new HostPair();
        await using IAsyncEnumerator<IReadOnlyList<PeerConnection>> watch = pair.A.WatchConnectionsAsync(HostPair.Cancellation).GetAsyncEnumerator(HostPair.Cancellation);
        Assert.True(await watch.MoveNextAsync());
        Assert.Empty(watch.Current);

        PeerConnection connection = await pair.ConnectAsync();
        while (watch.Current.Count == 0 || pair.A.FindPeerInfo(connection) is null) Assert.True(await watch.MoveNextAsync());

        connection.Abort("The test is over.");
        while (watch.Current.Count > 0) Assert.True(await watch.MoveNextAsync());
    }

    [Fact]
    public async Task WatchConnections_HostStops_Ends()
    {
        var pair = new HostPair();
        await using IAsyncEnumerator<IReadOnlyList<PeerConnection>> watch = pair.A.WatchConnectionsAsync(HostPair.Cancellation).GetAsyncEnumerator(HostPair.Cancellation);
        Assert.True(await watch.MoveNextAsync());
        ValueTask<bool> next = watch.MoveNextAsync();

        await pair.DisposeAsync();

        Assert.False(await next);
    }

    [Fact]
    public async Task AnnouncedAddresses_ChosenForAPeer_IsWhatItIsToldAndWhatIsSigned()
    {
        await using var pair = new HostPair();
        Multiaddr told = Multiaddr.Parse("/ip4/192.0.2.1/tcp/4001");
        pair.B.AnnouncedAddresses = _ => [told];

        PeerInfo info = await pair.A.IdentifyAsync(await pair.ConnectAsync(), HostPair.Cancellation);

        Assert.Equal([told], info.ListenAddresses);
        Assert.True(SignedPeerRecord.TryOpen(info.SignedPeerRecord.Span, out SignedPeerRecord? record));
        Assert.Equal([told], record.Addresses);
    }

    [Fact]
    public async Task AnnouncedAddresses_HoldAgain_AreSignedUnderAHigherSequence()
    {
        // An exchange that the connection begins by itself would be joined, and may have been answered before the addresses changed.
        await using var pair = new HostPair(new TransportOptions { IdentifyOnConnect = false });
        PeerConnection connection = await pair.ConnectAsync();
        var sequences = new List<ulong>();
        foreach (string address in (string[])["/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.2/tcp/1", "/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/1"])
        {
            pair.B.AnnouncedAddresses = _ => [Multiaddr.Parse(address)];
            PeerInfo info = await pair.A.IdentifyAsync(connection, HostPair.Cancellation);
            Assert.True(SignedPeerRecord.TryOpen(info.SignedPeerRecord.Span, out SignedPeerRecord? record));
            Assert.Equal([Multiaddr.Parse(address)], record.Addresses);
            sequences.Add(record.Sequence);
        }

        Assert.True(sequences[0] < sequences[1] && sequences[1] < sequences[2]);
        Assert.Equal(sequences[2], sequences[3]);
    }
}
