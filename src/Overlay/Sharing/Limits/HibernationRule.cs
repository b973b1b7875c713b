using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Overlay.Proofs;

namespace Overlay.Sharing.Limits;

/// <summary>When a node that spends its quota at full speed begins to: at a moment of its own within the period (Tor's <c>AccountingMax</c> does the
/// same).</summary>
internal static class HibernationRule
{
    private const string Label = "overlay/hibernation/1/";

    /// <summary>The moment of waking.</summary>
    /// <param name="key">The node's key, so that each has its own.</param>
    /// <param name="period">The period's first day, so that each is another.</param>
    /// <param name="start">When it begins.</param>
    /// <param name="end">When the next begins.</param>
    /// <param name="spending">How long it took to spend the quota the last time. Null where it was not spent, or nobody knows: then the whole period may be
    /// needed.</param>
    internal static DateTimeOffset WakeAt(PublicKey key, DateOnly period, DateTimeOffset start, DateTimeOffset end, TimeSpan? spending)
    {
        if (spending is not { } needed || needed >= end - start) return start;
        byte[] drawn = SHA256.HashData([.. Encoding.ASCII.GetBytes(Label), .. key.Bytes, .. Encoding.ASCII.GetBytes($"{period:yyyy-MM-dd}")]);
        double fraction = BinaryPrimitives.ReadUInt64BigEndian(drawn) / (double)ulong.MaxValue;
        return start + (end - start - needed) * fraction;
    }
}
