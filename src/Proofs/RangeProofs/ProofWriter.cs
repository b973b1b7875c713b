using Overlay.Proofs.Group;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.RangeProofs;

/// <summary>A proof as it grows: every part goes into the bytes and, but for the last two, into the transcript.</summary>
internal sealed class ProofWriter(int size)
{
    private readonly byte[] _bytes = new byte[size];
    private int _written;

    internal void Append(Transcript transcript, ReadOnlySpan<byte> label, in CompressedPoint point)
    {
        transcript.AppendPoint(label, point);
        point.Bytes.CopyTo(Next());
    }

    internal void Append(Transcript transcript, ReadOnlySpan<byte> label, in Scalar scalar)
    {
        transcript.AppendScalar(label, scalar);
        Append(scalar);
    }

    internal void Append(in Scalar scalar) => scalar.Encode(Next());

    internal byte[] ToArray() => _bytes;

    private Span<byte> Next()
    {
        Span<byte> part = _bytes.AsSpan(_written, 32);
        _written += 32;
        return part;
    }
}
