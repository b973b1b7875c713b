using Overlay.Transport;
using Overlay.Transport.Connections;

namespace Overlay.Discovery;

/// <summary>Measures round trips to the connected peers, one after another, a little after they came and then from time to time.</summary>
internal sealed class LatencyLoop : IAsyncDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1), s_interval = TimeSpan.FromSeconds(30), s_deadline = TimeSpan.FromSeconds(5);

    private readonly PeerHost _host;
    private readonly PeerTable _table;
    private readonly TimeProvider _time;
    private readonly Dictionary<PeerConnection, DateTimeOffset> _measured = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;

    internal LatencyLoop(PeerHost host, PeerTable table, TimeProvider time)
    {
        _host = host;
        _table = table;
        _time = time;
        _running = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(s_look, _time, _stopping.Token).ConfigureAwait(false);
                IReadOnlyList<PeerConnection> connections = _host.Connections;
                foreach (PeerConnection gone in _measured.Keys.Except(connections).ToList()) _measured.Remove(gone);
                foreach (PeerConnection connection in connections)
                {
                    DateTimeOffset now = _time.GetUtcNow();
                    if (_measured.TryGetValue(connection, out DateTimeOffset last) && now - last < s_interval) continue;
                    _measured[connection] = now;
                    await MeasureAsync(connection).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    private async ValueTask MeasureAsync(PeerConnection connection)
    {
        using var timer = new CancellationTokenSource(s_deadline, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, _stopping.Token);
        try
        {
            _table.SetLatency(connection.RemotePeer, await connection.PingAsync(either.Token).ConfigureAwait(false));
        }
        catch (Exception e) when (e is ConnectionException or ObjectDisposedException
            || (e is OperationCanceledException && !_stopping.IsCancellationRequested))
        {
            // A peer that does not answer in time keeps the figure it had.
        }
    }
}
