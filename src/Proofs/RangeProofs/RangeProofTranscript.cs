using Overlay.Proofs.Group;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.RangeProofs;

/// <summary>What both sides of a range proof do to the transcript, and under which labels.</summary>
internal static class RangeProofTranscript
{
    internal static void BeginRangeProof(Transcript transcript, int bits, int count)
    {
        transcript.AppendMessage("dom-sep"u8, "rangeproof v1"u8);
        transcript.AppendUInt64("n"u8, (ulong)bits);
        transcript.AppendUInt64("m"u8, (ulong)count);
    }

    internal static void BeginInnerProduct(Transcript transcript, int size)
    {
        transcript.AppendMessage("dom-sep"u8, "ipp v1"u8);
        transcript.AppendUInt64("n"u8, (ulong)size);
    }

    /// <summary>Appends a point of the proof, which an honest prover's never is the identity.</summary>
    /// <returns>False for the identity.</returns>
    internal static bool TryAppendPoint(Transcript transcript, ReadOnlySpan<byte> label, in CompressedPoint point)
    {
        transcript.AppendPoint(label, point);
        return !point.IsIdentity;
    }
}
