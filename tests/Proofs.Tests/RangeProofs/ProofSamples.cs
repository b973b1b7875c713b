using Overlay.Proofs.Group;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.Tests.RangeProofs;

/// <summary>Proofs made with seeded numbers, so that a failing test fails the same way again.</summary>
internal static class ProofSamples
{
    internal static Dictionary<string, BulletproofGenerators> Generators { get; } =
        CurveBackend.All.ToDictionary(backend => backend.Name, backend => new BulletproofGenerators(backend, new PedersenGenerators(backend)));

    internal static Transcript NewTranscript() => new("overlay.tests.range"u8);

    internal static Scalar[] Blindings(int count, int seed)
    {
        var random = new Random(seed);
        byte[] wide = new byte[Scalar.WideSize];
        return [.. Enumerable.Range(0, count).Select(_ => { random.NextBytes(wide); return Scalar.ReduceWide(wide); })];
    }

    /// <summary>Values from the whole range, its ends among them.</summary>
    internal static ulong[] Values(int bits, int count)
    {
        ulong max = bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        return [.. Enumerable.Range(0, count).Select(i => (i % 4) switch { 0 => max, 1 => 0UL, 2 => max / 3, _ => (ulong)i })];
    }

    internal static byte[] Prove(BulletproofGenerators generators, int bits, int count, out CompressedPoint[] commitments) => RangeProof.Prove(
        generators, Values(bits, count), Blindings(count, bits + count), bits, NewTranscript(), new byte[TranscriptRandom.EntropySize], out commitments);
}
