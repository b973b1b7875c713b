using BenchmarkDotNet.Attributes;
using Overlay.Proofs.Group;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Transcripts;

namespace Overlay.Benchmarks.Proofs;

/// <summary>What a proof of one 64-bit value costs to make and to check, and one of 64 such values to check, by backend.</summary>
/// <remarks>Goals: verify 1.0 ms and prove 8 ms with AVX2, 1.5 and 12 without; 64 values 25 ms.</remarks>
[MemoryDiagnoser]
public class RangeProofs
{
    private readonly ulong[] _values = [.. Enumerable.Range(0, 64).Select(i => (ulong)i << 57)];
    private readonly Scalar[] _blindings = [.. Enumerable.Range(0, 64).Select(_ => Scalar.Random())];
    private readonly byte[] _entropy = new byte[TranscriptRandom.EntropySize];
    private BulletproofGenerators _generators = null!;
    private byte[] _one = [], _many = [];
    private CompressedPoint[] _oneCommitment = [], _manyCommitments = [];

    /// <summary>What this processor can run.</summary>
    public static IEnumerable<string> Backends => CurveBackend.All.Select(backend => backend.Name);

    /// <summary>Portable is the baseline.</summary>
    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = "";

    /// <summary>Makes the proofs, and with them the bases.</summary>
    [GlobalSetup]
    public void Setup()
    {
        CurveBackend backend = CurveBackend.All.Single(candidate => candidate.Name == Backend);
        _generators = new BulletproofGenerators(backend, new PedersenGenerators(backend));
        _one = RangeProof.Prove(_generators, _values.AsSpan(0, 1), _blindings.AsSpan(0, 1), 64, NewTranscript(), _entropy, out _oneCommitment);
        _many = RangeProof.Prove(_generators, _values, _blindings, 64, NewTranscript(), _entropy, out _manyCommitments);
        if (!VerifyOne() || !VerifySixtyFour()) throw new InvalidOperationException("A proof does not hold.");
    }

    /// <summary>One value.</summary>
    [Benchmark]
    public byte[] ProveOne() => RangeProof.Prove(_generators, _values.AsSpan(0, 1), _blindings.AsSpan(0, 1), 64, NewTranscript(), _entropy, out _);

    /// <summary>One value.</summary>
    [Benchmark]
    public bool VerifyOne() => RangeProof.VerifyVarTime(_generators, _one, _oneCommitment, 64, NewTranscript());

    /// <summary>64 values in one proof.</summary>
    [Benchmark]
    public bool VerifySixtyFour() => RangeProof.VerifyVarTime(_generators, _many, _manyCommitments, 64, NewTranscript());

    private static Transcript NewTranscript() => new("overlay.benchmarks.range"u8);
}
