using System.Buffers.Binary;
using System.Security.Cryptography;
using Overlay.Proofs.Group;

namespace Overlay.Proofs.Transcripts;

/// <summary>Merlin's transcript-bound random generator: a copy of the transcript, keyed with the witness and with fresh entropy. Cleared when disposed of. One thread.</summary>
internal sealed class TranscriptRandom : IDisposable
{
    /// <summary>Size of the entropy in bytes.</summary>
    internal const int EntropySize = 32;

    private Strobe128 _strobe;

    internal TranscriptRandom(in Strobe128 transcript, ReadOnlySpan<byte> label, ReadOnlySpan<byte> witness, ReadOnlySpan<byte> entropy)
    {
        if (entropy.Length != EntropySize) throw new ArgumentException($"Expected {EntropySize} bytes, got {entropy.Length}.", nameof(entropy));
        _strobe = transcript;
        _strobe.MetaAd(label, more: false);
        Length(witness.Length, more: true);
        _strobe.Key(witness);
        _strobe.MetaAd("rng"u8, more: false);
        _strobe.Key(entropy);
    }

    /// <summary>Fills a buffer.</summary>
    internal void Fill(Span<byte> bytes)
    {
        Length(bytes.Length, more: false);
        _strobe.Prf(bytes);
    }

    /// <summary>A uniform scalar.</summary>
    internal Scalar NextScalar()
    {
        Span<byte> wide = stackalloc byte[Scalar.WideSize];
        Fill(wide);
        Scalar scalar = Scalar.ReduceWide(wide);
        CryptographicOperations.ZeroMemory(wide);
        return scalar;
    }

    /// <summary>Overwrites the state.</summary>
    public void Dispose() => _strobe.Clear();

    private void Length(int length, bool more)
    {
        Span<byte> prefix = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(prefix, (uint)length);
        _strobe.MetaAd(prefix, more);
    }
}
