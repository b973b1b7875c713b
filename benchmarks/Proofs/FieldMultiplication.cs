using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Overlay.Proofs.Group;

namespace Overlay.Benchmarks.Proofs;

/// <summary>What one multiplication in GF(2²⁵⁵ - 19) costs: with the framework's product, with MULX, and one of four with AVX2. Goals: 35 ns, and 16 ns an element.</summary>
public unsafe class FieldMultiplication
{
    private const int Count = 1000, Lanes = 4;
    private readonly FieldElement _b = CurveConstants.SqrtM1;
    private FieldElement _a = CurveConstants.D;

    /// <summary>Each product waits for the one before.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public void Portable()
    {
        for (int i = 0; i < Count; i++) _a = Field<PortableProduct>.Multiply(_a, _b);
    }

    /// <summary>The same with MULX.</summary>
    [Benchmark(OperationsPerInvoke = Count)]
    public void Mulx()
    {
        for (int i = 0; i < Count; i++) _a = Field<MulxProduct>.Multiply(_a, _b);
    }

    /// <summary>Squaring with MULX.</summary>
    [Benchmark(OperationsPerInvoke = Count)]
    public void MulxSquare()
    {
        for (int i = 0; i < Count; i++) _a = Field<MulxProduct>.Square(_a);
    }

    /// <summary>Four at a time; the figure is for one of them.</summary>
    [Benchmark(OperationsPerInvoke = Count * Lanes)]
    public void Avx2()
    {
        Vector256<ulong>* x = stackalloc Vector256<ulong>[FieldVector.Size], y = stackalloc Vector256<ulong>[FieldVector.Size];
        FieldVector.Load(_a, _b, _a, _b, x);
        FieldVector.Load(_b, _b, _a, _a, y);
        for (int i = 0; i < Count; i++) FieldVector.Multiply(x, y, x);
        _a = FieldVector.Store(x, 0);
    }
}
