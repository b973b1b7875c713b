using BenchmarkDotNet.Attributes;
using Overlay.Proofs.Group;

namespace Overlay.Benchmarks.Proofs;

/// <summary>What multiplying points costs, by backend: secret scalars with a fixed base and without, and sums of public ones.</summary>
public class PointMultiplication
{
    private CurveBackend _backend = null!;
    private FixedBase _generator = null!;
    private Scalar[] _scalars = [];
    private EdwardsPoint[] _points = [];
    private readonly byte[] _encoding = new byte[CompressedPoint.Size];

    /// <summary>What this processor can run.</summary>
    public static IEnumerable<string> Backends => CurveBackend.All.Select(backend => backend.Name);

    /// <summary>Portable is the baseline.</summary>
    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = "";

    /// <summary>Makes points.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _backend = CurveBackend.All.Single(backend => backend.Name == Backend);
        _generator = _backend.PrepareFixedBase(CurveConstants.Basepoint);
        _scalars = [.. Enumerable.Range(0, 1000).Select(_ => Scalar.Random())];
        _points = [.. _scalars.Select(scalar => _backend.Multiply(scalar, _generator))];
        _backend.EncodeRistretto(_points[0], _encoding);
    }

    /// <summary>Secret scalar, prepared base.</summary>
    [Benchmark]
    public void FixedBase() => _backend.Multiply(_scalars[0], _generator);

    /// <summary>Secret scalar, any base.</summary>
    [Benchmark]
    public void AnyBase() => _backend.MultiscalarMul(_scalars.AsSpan(0, 1), _points.AsSpan(0, 1));

    /// <summary>Public scalars: Straus.</summary>
    [Benchmark]
    public void SumOf147VarTime() => _backend.MultiscalarMulVarTime([], null, _scalars.AsSpan(0, 147), _points.AsSpan(0, 147));

    /// <summary>Public scalars: Pippenger.</summary>
    [Benchmark]
    public void SumOf1000VarTime() => _backend.MultiscalarMulVarTime([], null, _scalars, _points);

    /// <summary>One decoding.</summary>
    [Benchmark]
    public ulong Decode() => _backend.DecodeRistretto(_encoding, out _);
}
