using System.Buffers;
using System.IO.Pipelines;
using Overlay.Gossip.Routing;
using Overlay.Transport.Connections;

namespace Overlay.Gossip.Links;

/// <summary>The way to one peer: a queue, and one outbound stream that is only written (pubsub specification, "Stream management").</summary>
internal sealed class PeerLink : IDisposable
{
    // What is gathered into one write: enough that a packet is full, little enough that control does not wait long behind it.
    private const int WriteSize = 32 * 1024;

    private readonly PeerConnection _connection;
    private readonly string _protocol;
    private readonly GossipLimits _limits;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _ending;

    internal PeerLink(GossipPeer peer, PeerConnection connection, string protocol, GossipLimits limits, TimeProvider time, CancellationToken stopping)
    {
        Peer = peer;
        _connection = connection;
        _protocol = protocol;
        _limits = limits;
        _time = time;
        Queue = new SendQueue(limits);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(connection.Closed, stopping);
    }

    internal GossipPeer Peer { get; }

    internal SendQueue Queue { get; }

    /// <summary>Writes until the connection, the stream or the node ends.</summary>
    /// <exception cref="ConnectionException">The peer does not take the stream, or has ended it.</exception>
    /// <exception cref="TimeoutException">The peer takes nothing for too long.</exception>
    internal async Task RunAsync()
    {
        CancellationToken ending = _ending.Token;
        PeerStream stream = await _connection.OpenStreamAsync(_protocol, ending).ConfigureAwait(false);
        try
        {
            Task watching = WatchAsync(stream, ending);
            try
            {
                if (await WriteAsync(stream.Output, ending).ConfigureAwait(false)) await stream.Output.CompleteAsync().ConfigureAwait(false);
                else stream.Abort("The peer takes no more.");
            }
            catch
            {
                stream.Abort("The peer is no longer gossiped with.");
                throw;
            }
            finally
            {
                await _ending.CancelAsync().ConfigureAwait(false);
                await watching.ConfigureAwait(false);
            }
        }
        finally
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    internal void End() => _ending.Cancel();

    public void Dispose()
    {
        _ending.Dispose();
        Queue.Dispose();
    }

    /// <returns>Whether everything was written that there was.</returns>
    private async Task<bool> WriteAsync(PipeWriter output, CancellationToken ending)
    {
        var frames = new List<byte[]>();
        while (true)
        {
            frames.Clear();
            if (!await Queue.TakeAsync(frames, WriteSize, ending).ConfigureAwait(false)) return true;
            foreach (byte[] frame in frames) output.Write(frame);
            ValueTask<FlushResult> flushing = output.FlushAsync(ending);
            // Most flushes are done at once and need no deadline.
            FlushResult flushed = flushing.IsCompleted
                ? await flushing.ConfigureAwait(false)
                : await flushing.AsTask().WaitAsync(_limits.MaxSendStall, _time, ending).ConfigureAwait(false);
            if (flushed.IsCompleted || flushed.IsCanceled) return false;
        }
    }

    /// <summary>Nothing is to come back on this stream; that it ends, or was never agreed on, ends the link.</summary>
    private async Task WatchAsync(PeerStream stream, CancellationToken ending)
    {
        try
        {
            ReadResult read = await stream.Input.ReadAsync(ending).ConfigureAwait(false);
            stream.Input.AdvanceTo(read.Buffer.End);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // Told by the writer's end.
        }

        await _ending.CancelAsync().ConfigureAwait(false);
    }
}
