using System.Buffers;
using System.IO.Pipelines;
using Overlay.Diagnostics;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Wire;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Gossip;

internal sealed partial class GossipNode
{
    // RPCs of one peer that are taken off its stream before they are handed on.
    private const int MaxRpcsAtOnce = 64;

    // Messages of one peer that may wait for their check when more are handed on, and that are handed on at once: both together stay below the limit at which the router drops.
    private int HalfOfPending => Math.Max(1, _options.Limits.MaxPendingChecksPerPeer / 2);

    // As many as may be handed on at once. It is zero only while others wait, whose checks come to an end.
    private int RoomForMessages => Math.Min(HalfOfPending, Math.Max(0, _options.Limits.MaxPendingChecks - _router.PendingCount));

    /// <summary>Takes a peer's RPCs from one stream that it opened.</summary>
    private async Task ReadAsync(PeerStream stream, GossipVersion version, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        bool isKept;
        lock (_lock) isKept = _router.OpenInbound(stream.RemotePeer);
        try
        {
            Link(stream.Connection, VersionSpoken(stream.Connection, version), _host.FindPeerInfo(stream.Connection));
            var taken = new Queue<Rpc>();
            while (true)
            {
                ReadResult read = await stream.Input.ReadAsync(either.Token).ConfigureAwait(false);
                ReadOnlySequence<byte> buffer = read.Buffer;
                string? fault = Take(stream.RemotePeer, ref buffer, taken, out bool isMore);
                stream.Input.AdvanceTo(buffer.Start, isMore ? buffer.Start : buffer.End);
                await HandOnAsync(stream.RemotePeer, taken, either.Token).ConfigureAwait(false);
                if (fault is not null)
                {
                    Punish(stream.RemotePeer);
                    GossipLog.RpcRefused(_logger, stream.RemotePeer, fault);
                    stream.Abort(fault);
                    return;
                }

                if (!isMore && (read.IsCompleted || read.IsCanceled)) return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            stream.Abort(e.Message);
        }
        finally
        {
            if (isKept)
                lock (_lock) _router.CloseInbound(stream.RemotePeer);
        }
    }

    // Whoever opens a stream of 1.1 may speak 1.2 too; what it says of itself is newer than its choice for one stream.
    private GossipVersion VersionSpoken(PeerConnection connection, GossipVersion opened) =>
        _host.FindPeerInfo(connection) is { } info && VersionOf(info) is { } version && version > opened ? version : opened;

    /// <summary>Takes whole RPCs off the buffer: so many, and of so many bytes, as one peer may have waiting here.</summary>
    /// <returns>What is wrong with the first that breaks a rule; null when none does.</returns>
    private string? Take(PeerId sender, ref ReadOnlySequence<byte> buffer, Queue<Rpc> taken, out bool isMore)
    {
        bool isHeard;
        lock (_lock) isHeard = _router.FindPeer(sender) is { } peer && _router.ScoreOf(peer) >= _options.Score.GraylistThreshold;
        long size = 0;
        for (int count = 0; count < MaxRpcsAtOnce && size < _options.Limits.MaxRpcSize; count++)
        {
            isMore = false;
            LengthPrefixedStatus status = LengthPrefixed.TryTake(ref buffer, _options.Limits.MaxRpcSize, out ReadOnlySequence<byte> bytes);
            if (status == LengthPrefixedStatus.NeedMore) return null;
            if (status != LengthPrefixedStatus.Taken) return status.ToString();
            // Of those who are not listened to nothing is kept but their subscriptions, which they do not say again.
            ReadOnlyMemory<byte> whole = !isHeard && bytes.IsSingleSegment ? bytes.First : bytes.ToArray();
            if (RpcDecoder.TryDecode(whole, _options, out Rpc rpc, onlySubscriptions: !isHeard) is var fault and not RpcFault.None) return fault.ToString();
            if (!rpc.IsEmpty) taken.Enqueue(rpc);
            size += bytes.Length;
        }

        isMore = true;
        return null;
    }

    /// <summary>Hands RPCs to the router as its messages are checked: who sends faster than that is read more slowly, not robbed of messages.</summary>
    private async ValueTask HandOnAsync(PeerId sender, Queue<Rpc> taken, CancellationToken cancellationToken)
    {
        while (taken.Count > 0)
        {
            Task? checking = null;
            lock (_lock)
            {
                try
                {
                    while (checking is null && taken.Count > 0)
                    {
                        if (_router.FindPeer(sender) is not { } peer)
                            _router.ReceiveSubscriptions(sender, taken.Dequeue().Subscriptions);
                        else if (peer.PendingCount >= HalfOfPending || (RoomForMessages == 0 && taken.Peek().Messages.Count > 0))
                            checking = (_checked ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                        else if (taken.Peek().Messages.Count > RoomForMessages)
                            _router.Receive(Now, peer, taken.Peek().TakeMessages(RoomForMessages));
                        else
                            _router.Receive(Now, peer, taken.Dequeue());
                    }
                }
                finally
                {
                    Act();
                }
            }

            if (checking is not null) await checking.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void Punish(PeerId sender)
    {
        lock (_lock)
        {
            if (_router.FindPeer(sender) is { } peer) GossipRouter.Misbehave(peer);
        }
    }
}
