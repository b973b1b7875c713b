using System.Threading.Channels;
using Overlay.Diagnostics;
using Overlay.Gossip.Messages;

namespace Overlay.Gossip;

internal sealed partial class GossipNode
{
    // The router lets no more wait than its limit says.
    private readonly Channel<PendingMessage> _checks = Channel.CreateUnbounded<PendingMessage>(new UnboundedChannelOptions { SingleReader = true });

    // Completed, and then another, when messages were judged; null when nobody waits. Guarded by the lock.
    private TaskCompletionSource? _checked;

    /// <summary>Checks signatures, many at once where many wait, and hands on to the topic's validator where there is one. One loop, so that messages keep their order.</summary>
    private async Task CheckLoopAsync()
    {
        var batch = new List<PendingMessage>(SignatureCheck.MaxBatch);
        try
        {
            while (await _checks.Reader.WaitToReadAsync(_stopping.Token).ConfigureAwait(false))
            {
                batch.Clear();
                while (batch.Count < SignatureCheck.MaxBatch && _checks.Reader.TryRead(out PendingMessage? next)) batch.Add(next);
                Guarded(() => Check(batch));
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private void Check(List<PendingMessage> batch)
    {
        bool[]? hold = null;
        try
        {
            hold = _checkSignatures(batch);
        }
#pragma warning disable CA1031 // The loop must outlive what a key of some kind could make its library throw.
        catch (Exception e)
#pragma warning restore CA1031
        {
            GossipLog.CheckFailed(_logger, e);
        }

        lock (_lock)
        {
            for (int i = 0; i < batch.Count; i++)
            {
                PendingMessage pending = batch[i];
                if (hold?[i] != true)
                {
                    // A check that failed says nothing of the messages, and nobody is to blame for it.
                    _router.Judge(Now, pending, hold is null ? GossipVerdict.Ignore : GossipVerdict.Reject);
                    continue;
                }

                _router.Authenticate(pending);
                if (_validators.TryGetValue(pending.Message.Topic, out GossipValidator? validator)) _tasks.Run(() => ValidateAsync(validator, pending));
                else _router.Judge(Now, pending, GossipVerdict.Accept);
            }

            EndChecks();
        }
    }

    private async Task ValidateAsync(GossipValidator validator, PendingMessage pending)
    {
        GossipVerdict verdict = GossipVerdict.Ignore;
        using var deadline = new CancellationTokenSource(_options.Limits.MaxValidationTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _stopping.Token);
        try
        {
            verdict = await validator(pending.ToMessage(), either.Token).AsTask().WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Too late to be passed on.
        }
#pragma warning disable CA1031 // The host application's code may throw anything; the peers are not to blame for it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            GossipLog.ValidatorFailed(_logger, pending.Message.Topic, e);
        }

        lock (_lock)
        {
            _router.Judge(Now, pending, verdict);
            EndChecks();
        }
    }

    private void EndChecks()
    {
        Act();
        _checked?.TrySetResult();
        _checked = null;
    }
}
