using System.Diagnostics;

namespace Overlay.Fuzzing.Engine;

/// <summary>How long a run goes on, and from which random numbers.</summary>
internal sealed record FuzzLoopOptions
{
    internal long Executions { get; init; } = 1_000_000;

    internal TimeSpan Duration { get; init; } = TimeSpan.MaxValue;

    internal int Seed { get; init; } = 1;

    /// <summary>Findings after which the run ends.</summary>
    internal int MaxFindings { get; init; } = 20;
}

/// <summary>An input that broke something.</summary>
internal sealed record Finding(byte[] Input, Exception Error);

/// <summary>What a run came to.</summary>
internal sealed record FuzzReport
{
    internal required long Executions { get; init; }

    internal required TimeSpan Elapsed { get; init; }

    /// <summary>Inputs that were accepted.</summary>
    internal required long Accepted { get; init; }

    /// <summary>Edges reached; 0 when the assemblies are not instrumented.</summary>
    internal required int Edges { get; init; }

    /// <summary>Inputs that each reached something new, those begun with included.</summary>
    internal required IReadOnlyList<byte[]> Queue { get; init; }

    internal required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>The input that came nearest to its limit of allocation: its size, what was allocated and what was allowed.</summary>
    internal required (int Size, long Allocated, long Limit) Costliest { get; init; }

    internal required TimeSpan Slowest { get; init; }
}

/// <summary>Runs a target on mutated inputs, guided by coverage where the assemblies under test are instrumented, in one process and on one thread.</summary>
internal sealed class FuzzLoop
{
    private readonly FuzzTarget _target;
    private readonly FuzzLoopOptions _options;
    private readonly Random _random;
    private readonly Mutator _mutator;
    private readonly Execution _execution;
    private readonly byte[] _known = CoverageMap.NewKnown();
    private readonly List<byte[]> _queue = [];
    private readonly List<Finding> _findings = [];
    private readonly HashSet<string> _places = [];
    private (int Size, long Allocated, long Limit) _costliest = (0, 0, 1);
    private TimeSpan _slowest;
    private long _accepted;
    private byte[] _current = [];

    internal FuzzLoop(FuzzTarget target, FuzzLoopOptions options)
    {
        _target = target;
        _options = options;
        _random = new Random(options.Seed);
        _mutator = new Mutator(_random, target.MaxSize, target.Words);
        _execution = new Execution(target, TimeProvider.System);
    }

    /// <summary>The input that runs now, for whoever watches from another thread.</summary>
    internal byte[] Current => Volatile.Read(ref _current);

    /// <summary>Inputs run so far, for whoever watches from another thread.</summary>
    internal long Count => Volatile.Read(ref _count);

    private long _count;

    /// <summary>Runs to the end of the options or of <paramref name="cancellationToken"/>.</summary>
    /// <param name="corpus">Inputs to begin with.</param>
    internal FuzzReport Run(IEnumerable<byte[]> corpus, CancellationToken cancellationToken)
    {
        // What static constructors and first uses reach and allocate would otherwise be told of the first input.
        foreach (byte[] seed in _target.Seeds) Execute(seed, isMeasured: false);
        long startedAt = Stopwatch.GetTimestamp();
        foreach (byte[] input in corpus.Concat(_target.Seeds))
        {
            if (!IsGoingOn(startedAt, cancellationToken)) break;
            bool isNew = Execute(input, isMeasured: true);
            if (isNew || !CoverageMap.IsInstrumented) _queue.Add(input);
        }

        if (_queue.Count == 0) _queue.Add([]);
        while (IsGoingOn(startedAt, cancellationToken))
        {
            byte[] input = _mutator.Mutate(Pick(), _queue[_random.Next(_queue.Count)]);
            if (Execute(input, isMeasured: true)) _queue.Add(input);
        }

        return new FuzzReport
        {
            Executions = _count,
            Elapsed = Stopwatch.GetElapsedTime(startedAt),
            Accepted = _accepted,
            Edges = CoverageMap.CountEdges(_known),
            Queue = _queue,
            Findings = _findings,
            Costliest = _costliest,
            Slowest = _slowest,
        };
    }

    private bool IsGoingOn(long startedAt, CancellationToken cancellationToken) =>
        _count < _options.Executions
        && _findings.Count < _options.MaxFindings
        && !cancellationToken.IsCancellationRequested
        && ((_count & 15) != 0 || Stopwatch.GetElapsedTime(startedAt) < _options.Duration);

    // Half of the time one of the newest: they are where the last progress was.
    private byte[] Pick()
    {
        int newest = Math.Max(1, _queue.Count / 8);
        return _random.Next(2) == 0 ? _queue[^(1 + _random.Next(newest))] : _queue[_random.Next(_queue.Count)];
    }

    /// <summary>Runs one input.</summary>
    /// <returns>Whether it reached what none before it had.</returns>
    private bool Execute(byte[] input, bool isMeasured)
    {
        Volatile.Write(ref _current, input);
        CoverageMap.Clear();
        try
        {
            ExecutionCost cost = _execution.Run(input);
            if (isMeasured) Note(input, cost);
        }
#pragma warning disable CA1031 // Whatever escapes is what is looked for.
        catch (Exception error)
#pragma warning restore CA1031
        {
            // One finding for each place that throws: a thousand inputs often show one fault.
            if (isMeasured && _places.Add(PlaceOf(error))) _findings.Add(new Finding(input, error));
        }

        if (!isMeasured) return false;
        Volatile.Write(ref _count, _count + 1);
        return CoverageMap.IsInstrumented && CoverageMap.MergeInto(_known);
    }

    private void Note(byte[] input, in ExecutionCost cost)
    {
        if (cost.Accepted) _accepted++;
        if (cost.Elapsed > _slowest) _slowest = cost.Elapsed;
        if (!IsCostlier(cost.Allocated, cost.AllocationLimit)) return;
        // A first use of something in the framework passes; what an input costs every time stays.
        long again = Math.Min(cost.Allocated, _execution.Run(input).Allocated);
        if (IsCostlier(again, cost.AllocationLimit)) _costliest = (input.Length, again, cost.AllocationLimit);
    }

    private bool IsCostlier(long allocated, long limit) => allocated * _costliest.Limit > _costliest.Allocated * limit;

    private static string PlaceOf(Exception error) =>
        $"{error.GetType()} {string.Join('\n', (error.StackTrace ?? "").Split('\n').Take(4))}{(error is InvariantException ? error.Message.Split(':')[0] : "")}";
}
