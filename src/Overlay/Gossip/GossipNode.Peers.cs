using System.Threading.Channels;
using Overlay.Diagnostics;
using Overlay.Gossip.Links;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Wire;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Gossip;

internal sealed partial class GossipNode
{
    // How often connections are looked through for peers that gossip; a stream that such a peer opens is noticed at once.
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromMilliseconds(250);

    // Peers that are remembered to be left alone for a while; one is some hundred bytes.
    private const int MaxRests = 4096;

    private static readonly (string Protocol, GossipVersion Version)[] s_protocols = [("/meshsub/1.2.0", GossipVersion.V12), ("/meshsub/1.1.0", GossipVersion.V11)];

    private readonly Dictionary<GossipPeer, PeerLink> _links = [];
    private readonly RestBook _rests = new(MaxRests);
    private readonly Channel<GossipAction.Dial> _dials = Channel.CreateBounded<GossipAction.Dial>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropWrite });

    private async Task PeerLoopAsync()
    {
        using var timer = new PeriodicTimer(s_lookInterval, _time);
        try
        {
            do Guarded(LookForPeers);
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private void LookForPeers()
    {
        foreach (PeerConnection connection in _host.Connections)
            if (_host.FindPeerInfo(connection) is { } info && VersionOf(info) is { } version) Link(connection, version, info);
        lock (_lock) _rests.Forget(Now);
    }

    private static GossipVersion? VersionOf(PeerInfo info)
    {
        foreach ((string protocol, GossipVersion version) in s_protocols)
            if (info.Protocols.Contains(protocol)) return version;
        return null;
    }

    /// <summary>Begins to gossip with a peer, unless that is so already or it is to be left alone. Null when it is not gossiped with.</summary>
    private GossipPeer? Link(PeerConnection connection, GossipVersion version, PeerInfo? info)
    {
        lock (_lock)
        {
            PeerId id = connection.RemotePeer;
            if (_router.FindPeer(id) is { } known)
            {
                // A peer that opened its stream first may have been gossiped with before it said who it is.
                if (info is not null) known.SignedRecord = info.SignedPeerRecord;
                return known;
            }

            if (_disposed != 0 || connection.Closed.IsCancellationRequested || _rests.IsResting(id, Now)) return null;
            GossipPeer? peer = _router.AddPeer(Now, id, version, connection.Direction == Direction.Outbound, PeerPlace.Of(connection.RemoteAddress));
            if (peer is null) return null;
            if (info is not null) peer.SignedRecord = info.SignedPeerRecord;
            string protocol = s_protocols.First(offered => offered.Version == version).Protocol;
            var link = new PeerLink(peer, connection, protocol, _options.Limits, _time, _stopping.Token);
            _links.Add(peer, link);
            Act();
            _linkTasks.Run(() => RunLinkAsync(link));
            return peer;
        }
    }

    private async Task RunLinkAsync(PeerLink link)
    {
        TimeSpan began = Now;
        string why = "the stream ended";
        try
        {
            await link.RunAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or TimeoutException)
        {
            why = e.Message;
        }

        lock (_lock)
        {
            _links.Remove(link.Peer);
            link.Queue.Close();
            _router.RemovePeer(Now, link.Peer);
            Act();
            _rests.Begin(link.Peer.Id, began, Now);
        }

        link.Dispose();
        GossipLog.LinkEnded(_logger, link.Peer.Id, why);
    }

    private void Send(GossipPeer peer, Rpc rpc)
    {
        if (!_links.TryGetValue(peer, out PeerLink? link)) return;
        byte[] frame = rpc.Frame ??= LengthPrefixed.Frame(_encoder.Encode(rpc));
        switch (link.Queue.Add(frame, rpc.Messages.Count > 0))
        {
            case SendResult.Dropped:
                GossipRouter.DropMessages(peer, rpc.Messages.Count);
                break;
            case SendResult.Overrun:
                link.End();
                break;
        }
    }

    private async Task DialLoopAsync()
    {
        if (_options.Limits.MaxExchangeDials == 0) return;
        using var room = new SemaphoreSlim(_options.Limits.MaxExchangeDials);
        var dialling = new TaskSet();
        try
        {
            await foreach (GossipAction.Dial dial in _dials.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                await room.WaitAsync(_stopping.Token).ConfigureAwait(false);
                dialling.Run(async () =>
                {
                    try
                    {
                        await DialAsync(dial).ConfigureAwait(false);
                    }
                    finally
                    {
                        room.Release();
                    }
                });
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }

        await dialling.DrainAsync().ConfigureAwait(false);
    }

    /// <summary>Keeps connected with the direct peers: they are never trimmed, and dialled while there is no connection.</summary>
    private async Task DirectLoopAsync()
    {
        IReadOnlyList<IGrouping<PeerId, Multiaddr>> peers = _options.DirectPeerAddresses;
        foreach (IGrouping<PeerId, Multiaddr> peer in peers) _host.Protect(peer.Key, "gossip/direct");
        using var timer = new PeriodicTimer(_options.DirectPeerInterval, _time);
        try
        {
            do await Task.WhenAll(peers.Where(peer => peer.Key != Self && _host.FindConnection(peer.Key) is null).Select(DialDirectAsync))
                .ConfigureAwait(false);
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private async Task DialDirectAsync(IGrouping<PeerId, Multiaddr> peer)
    {
        try
        {
            await _host.ConnectAsync(peer.Key, [.. peer], _stopping.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or ArgumentException)
        {
            GossipLog.DirectPeerNotReached(_logger, peer.Key, e.Message);
        }
    }

    private async Task DialAsync(GossipAction.Dial dial)
    {
        try
        {
            // The record must be the named peer's own: nobody is sent to somebody else's address.
            if (!SignedPeerRecord.TryOpen(dial.SignedRecord.Span, out SignedPeerRecord? record) || record.PeerId != dial.Peer || record.Addresses.Count == 0) return;
            IReadOnlyList<Multiaddr> addresses = _dialable is null ? record.Addresses : await _dialable(record.Addresses, _stopping.Token).ConfigureAwait(false);
            await _host.ConnectAsync(dial.Peer, addresses, _stopping.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or ArgumentException)
        {
            GossipLog.ExchangeFailed(_logger, dial.Peer, e.Message);
        }
    }
}
