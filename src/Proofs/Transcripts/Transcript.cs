using System.Buffers.Binary;
using Overlay.Proofs.Group;

namespace Overlay.Proofs.Transcripts;

/// <summary>A Merlin transcript (version 1.0): everything that prover and verifier both see goes in, and the challenges come out, each bound to all that came before.</summary>
/// <remarks>
/// An interactive proof becomes one message: prover and verifier start with the same label and append the same messages under the same labels, so both
/// compute the same challenges, and a proof fits no other statement than the one whose transcript it was made on. Messages are prefixed with label and
/// length, so no two sequences of messages are alike. Not safe on several threads.
/// </remarks>
public sealed class Transcript
{
    private Strobe128 _strobe;

    /// <summary>Begins a transcript.</summary>
    /// <param name="label">The name of the protocol that uses it, unique to it and best with a version inside.</param>
    public Transcript(ReadOnlySpan<byte> label)
    {
        _strobe = new Strobe128("Merlin v1.0"u8);
        AppendMessage("dom-sep"u8, label);
    }

    private Transcript(in Strobe128 strobe) => _strobe = strobe;

    /// <summary>A transcript in the same state that goes its own way from here.</summary>
    public Transcript Clone() => new(_strobe);

    /// <summary>Appends a message.</summary>
    /// <param name="label">What the message is, fixed by the protocol.</param>
    /// <param name="message">Its bytes, any number.</param>
    public void AppendMessage(ReadOnlySpan<byte> label, ReadOnlySpan<byte> message)
    {
        Frame(label, message.Length);
        _strobe.Ad(message);
    }

    /// <summary>Appends a number as eight bytes, little-endian.</summary>
    /// <param name="label">What the number is, fixed by the protocol.</param>
    /// <param name="value">The number.</param>
    public void AppendUInt64(ReadOnlySpan<byte> label, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        AppendMessage(label, bytes);
    }

    /// <summary>Appends a scalar's encoding.</summary>
    /// <param name="label">What the scalar is, fixed by the protocol.</param>
    /// <param name="scalar">The scalar.</param>
    public void AppendScalar(ReadOnlySpan<byte> label, in Scalar scalar)
    {
        Span<byte> bytes = stackalloc byte[Scalar.Size];
        scalar.Encode(bytes);
        AppendMessage(label, bytes);
    }

    /// <summary>Appends a point's encoding, whether or not there is such a point.</summary>
    /// <param name="label">What the point is, fixed by the protocol.</param>
    /// <param name="point">The encoding.</param>
    public void AppendPoint(ReadOnlySpan<byte> label, in CompressedPoint point) => AppendMessage(label, point.Bytes);

    /// <summary>Draws a challenge.</summary>
    /// <param name="label">What the challenge is, fixed by the protocol.</param>
    /// <param name="challenge">Receives it; its length goes into the transcript too.</param>
    public void ChallengeBytes(ReadOnlySpan<byte> label, Span<byte> challenge)
    {
        Frame(label, challenge.Length);
        _strobe.Prf(challenge);
    }

    /// <summary>Draws a challenge scalar: 64 bytes, modulo the order.</summary>
    /// <param name="label">What the challenge is, fixed by the protocol.</param>
    public Scalar ChallengeScalar(ReadOnlySpan<byte> label)
    {
        Span<byte> bytes = stackalloc byte[Scalar.WideSize];
        ChallengeBytes(label, bytes);
        return Scalar.ReduceWide(bytes);
    }

    /// <summary>Makes a prover's random numbers from the transcript so far, the secrets of the proof, and the system's randomness together.</summary>
    /// <remarks>Should the system's randomness fail, two proofs still never use one blinding for different statements or secrets.</remarks>
    /// <param name="label">What the witness is.</param>
    /// <param name="witness">All secrets of the proof.</param>
    /// <param name="entropy">32 bytes that nobody else knows.</param>
    internal TranscriptRandom CreateRandom(ReadOnlySpan<byte> label, ReadOnlySpan<byte> witness, ReadOnlySpan<byte> entropy) => new(_strobe, label, witness, entropy);

    private void Frame(ReadOnlySpan<byte> label, int length)
    {
        Span<byte> prefix = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(prefix, (uint)length);
        _strobe.MetaAd(label, more: false);
        _strobe.MetaAd(prefix, more: true);
    }
}
