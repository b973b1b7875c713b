using Overlay.Transport;
using Overlay.Transport.Connections;

namespace Overlay.Benchmarks.Soak;

/// <summary>The loops that make one process's traffic, each with random choices of its own, all from the seed.</summary>
internal sealed class SoakTraffic(PeerHost host, SoakLinks links, SoakStreams streams, Pace pace, SoakOutput output, int index, int seed, long largest)
    : IAsyncDisposable
{
    private const int EchoLoops = 24, BulkLoops = 2, ChurnLoops = 2, MaxMessage = 4096, MaxMessages = 64, MaxChunk = 128 * 1024;

    // What is broken for good is told once a second, not as fast as it can fail.
    private static readonly TimeSpan s_afterFault = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _loops = [];
    private long _lastId = (long)index << 48;

    internal async Task StartAsync()
    {
        await links.ConnectAsync();
        for (int i = 0; i < BulkLoops; i++) Start(0, 0, (link, random) => OpenAsync(link, BulkPlan(random)));
        for (int i = 0; i < EchoLoops; i++) Start(0, 0, (link, random) => OpenAsync(link, EchoPlan(random)));
        // Well below the rate at which a peer takes resets for a flood.
        for (int i = 0; i < ChurnLoops; i++) Start(0.03, 0.1, ChurnAsync);
        Start(0.5, 2, ProbeAsync);
        Start(2, 6, (_, _) => links.ReplaceIdleAsync(_stopping.Token));
        Start(10, 30, (_, random) => links.ReplaceCurrentAsync(cuts: random.Next(3) == 0));
    }

    /// <summary>Begins nothing new and waits for what is under way.</summary>
    internal async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_loops);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    /// <summary>Adds a loop that pauses between two steps for a number of seconds from <paramref name="shortest"/> to <paramref name="longest"/>.</summary>
    private void Start(double shortest, double longest, Func<SoakLink, Random, Task> step)
    {
        var random = new Random(unchecked((((seed * 397) ^ index) * 397) ^ _loops.Count));
        _loops.Add(Task.Run(() => LoopAsync(shortest, longest, step, random)));
    }

    private async Task LoopAsync(double shortest, double longest, Func<SoakLink, Random, Task> step, Random random)
    {
        while (!_stopping.IsCancellationRequested)
        {
            SoakLink? link = null;
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(shortest + (random.NextDouble() * (longest - shortest))), _stopping.Token);
                await pace.WaitAsync(0, _stopping.Token);
                link = links.Current;
                await step(link, random);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SoakFault or ObjectDisposedException)
            {
                // A connection that this process is ending takes no stream: the next one does.
                if (link?.IsEnding == true) continue;
                output.Fault(link?.Number ?? 0, $"{e.GetType().Name}: {e.Message}");
                await Task.Delay(s_afterFault, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Pings through the muxer, and pings on a stream or a short perf run.</summary>
    private async Task ProbeAsync(SoakLink link, Random random)
    {
        await link.Connection.PingAsync(_stopping.Token);
        if (random.Next(2) == 0)
        {
            await foreach (TimeSpan roundTrip in host.PingAsync(link.Connection, random.Next(1, 5), CancellationToken.None))
                if (roundTrip < TimeSpan.Zero) throw new SoakFault("a ping came back before it was sent");
        }
        else
        {
            await host.MeasureAsync(link.Connection, (ulong)random.Next(1 << 18), (ulong)random.Next(1 << 18), null, CancellationToken.None);
        }
    }

    /// <summary>Streams that hardly live: opened and ended, reset by either end, answered by a stream of the other end, reset before the other end knows them.</summary>
    private async Task ChurnAsync(SoakLink link, Random random)
    {
        switch (random.Next(5))
        {
            case 0:
                await OpenAsync(link, Plan(StreamKind.Transfer, 0, 0, 1));
                break;
            case 1:
                await OpenAsync(link, Plan(StreamKind.NearReset, random.Next(1, 1 << 18), random.Next(1, 1 << 20), random.Next(64, MaxChunk)));
                break;
            case 2:
                await OpenAsync(link, Plan(StreamKind.FarReset, random.Next(2, 1 << 20), random.Next(1, 1 << 20), random.Next(64, MaxChunk)));
                break;
            case 3:
                await OpenAsync(link, Plan(StreamKind.Back, 0, random.Next(1 << 16), random.Next(64, MaxChunk)));
                break;
            default:
                await using (PeerStream vanishing = await link.Connection.OpenStreamAsync(SoakStreams.Protocol, _stopping.Token))
                {
                    // Shorter than a plan: nobody learns its name.
                    if (random.Next(2) == 0) await vanishing.Output.WriteAsync(new byte[random.Next(1, StreamPlan.Size)], _stopping.Token);
                    vanishing.Abort("The soak resets this stream at once.");
                }

                break;
        }
    }

    private StreamPlan BulkPlan(Random random)
    {
        int shape = random.Next(4);
        long upload = shape == 0 ? 0 : random.NextInt64(1, largest), download = shape == 1 ? 0 : random.NextInt64(1, largest);
        return Plan(StreamKind.Transfer, upload, download, random.Next(1024, MaxChunk));
    }

    private StreamPlan EchoPlan(Random random)
    {
        int size = random.Next(1, MaxMessage);
        return Plan(StreamKind.Echo, (long)size * random.Next(1, MaxMessages), 0, size);
    }

    private StreamPlan Plan(StreamKind kind, long upload, long download, int chunk) => new((ulong)Interlocked.Increment(ref _lastId), 0, kind, upload, download, chunk);

    private Task OpenAsync(SoakLink link, StreamPlan plan) => streams.OpenAsync(link.Connection, plan with { Connection = link.Number });
}
