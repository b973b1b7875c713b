using System.Diagnostics;
using System.Net;
using Overlay.TestKit.HostilePeers;

namespace Overlay.HostileSoak;

/// <summary>One misbehaviour against one fresh node, measured.</summary>
/// <param name="Name">The misbehaviour's name.</param>
/// <param name="RoundCount">How often it began, all parallel ones together.</param>
/// <param name="Before">Resident bytes of the node before.</param>
/// <param name="Peak">Most resident bytes meanwhile.</param>
/// <param name="After">Resident bytes some time later.</param>
/// <param name="Left">How much more there is after a full collection than after one before: the runtime keeps freed memory as long as nobody else asks for it, and that is no leak.</param>
/// <param name="Cores">Processor time of the node per time passed.</param>
/// <param name="VisitCount">Honest visits tried meanwhile.</param>
/// <param name="ServedCount">Honest visits that succeeded.</param>
internal sealed record SoakRun(string Name, int RoundCount, long Before, long Peak, long After, long Left, double Cores, int VisitCount, int ServedCount)
{
    /// <summary>Goals: memory at most 64 MiB more and back, half a core, 95 of 100 honest visits.</summary>
    internal const long MaxGrowth = 64L << 20;

    internal const double MaxCores = 0.5, MinServed = 0.95;

    // "Back" leaves room for what a collector keeps and for what compiles meanwhile.
    private const long BackTolerance = 16L << 20;

    private const int WarmUpCount = 1000;

    private static readonly TimeSpan s_sample = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_betweenVisits = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan s_visitTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Where the honest visitor comes from.</summary>
    internal static IPAddress VisitorAddress { get; } = IPAddress.Parse("127.1.1.1");

    internal double Served => VisitCount == 0 ? 0 : (double)ServedCount / VisitCount;

    internal bool MeetsGoals => Peak - Before <= MaxGrowth && Left <= BackTolerance && Cores <= MaxCores && Served >= MinServed;

    internal static async Task<SoakRun> MeasureAsync(Func<Misbehaviour> create, SoakOptions options)
    {
        await using NodeProcess node = await NodeProcess.StartAsync(options.IsExempt);
        // Attackers and visitors come from different networks, as they mostly do.
        var hostile = new HostileTarget(new BoundTcpTransport(IPAddress.Parse("127.6.6.6")), node.Address, node.Address.PeerId!);
        var honest = new HostileTarget(new BoundTcpTransport(VisitorAddress), node.Address, node.Address.PeerId!);
        await using var visitor = new HonestPeer(honest.Transport);
        // As long as visits alone still make it grow (compiled code, the collector's first budget), growth says nothing of a misbehaviour.
        for (int i = 0; i < WarmUpCount; i++) await VisitAsync(visitor, honest);
        await node.CollectAsync();
        long collectedBefore = node.ResidentSize;
        // And as long again, for the garbage that it has on an ordinary day.
        for (int i = 0; i < WarmUpCount; i++) await VisitAsync(visitor, honest);

        long before = node.ResidentSize;
        TimeSpan processorTime = node.ProcessorTime;
        long start = Stopwatch.GetTimestamp();
        var stage = new Stage(TimeProvider.System);
        TimeSpan rest = TimeSpan.FromMilliseconds(options.RestMilliseconds);
        using var stop = new CancellationTokenSource();
        Misbehaviour[] misbehaviours = [.. Enumerable.Range(0, options.Parallel).Select(_ => create())];
        Task[] attacks = [.. misbehaviours.Select(misbehaviour => Task.Run(() => misbehaviour.RunAsync(hostile, stage, stop.Token, rest)))];

        using var over = new CancellationTokenSource();
        // On its own: a visit may take long, and then of all times.
        Task<long> sampling = Task.Run(() => SamplePeakAsync(node, over.Token));
        int visits = 0, served = 0;
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(options.Seconds) && !sampling.IsCompleted)
        {
            visits++;
            if (await VisitAsync(visitor, honest)) served++;
            await Task.Delay(s_betweenVisits);
        }

        await over.CancelAsync();
        long peak = await sampling;
        double cores = (node.ProcessorTime - processorTime) / Stopwatch.GetElapsedTime(start);
        await stop.CancelAsync();
        await Task.WhenAll(attacks);
        // Others go on, if slowly: a node without any work would never collect.
        for (int second = 0; second < options.AfterSeconds; second++)
        {
            await VisitAsync(visitor, honest);
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        long after = node.ResidentSize;
        await node.CollectAsync();
        return new SoakRun(misbehaviours[0].Name, stage.RoundCount, before, peak, after, node.ResidentSize - collectedBefore, cores, visits, served);
    }

    /// <summary>Most resident bytes until cancelled, or until the node is no more.</summary>
    private static async Task<long> SamplePeakAsync(NodeProcess node, CancellationToken cancellationToken)
    {
        long peak = 0;
        while (!cancellationToken.IsCancellationRequested && node.IsAlive)
        {
            peak = Math.Max(peak, node.ResidentSize);
            await Task.Delay(s_sample, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return peak;
    }

    private static async Task<bool> VisitAsync(HonestPeer visitor, HostileTarget target)
    {
        using var timeout = new CancellationTokenSource(s_visitTimeout);
        try
        {
            return await visitor.TryVisitAsync(target, timeout.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
