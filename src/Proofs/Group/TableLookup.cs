using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Reads one of eight entries of a table by a secret index: touches all of them, so that neither time nor cache tells which.</summary>
internal static class TableLookup
{
    /// <summary>Entries: the odd multiples 1, 3, … 15.</summary>
    internal const int Size = 8;

    /// <summary>Selects the entry for an odd digit in [-15, 15].</summary>
    /// <param name="table">Exactly <see cref="Size"/> entries.</param>
    /// <param name="digit">The digit.</param>
    /// <param name="entry">The entry for the digit's size.</param>
    /// <returns>All ones for a negative digit, else zero.</returns>
    internal static ulong Select<T>(ReadOnlySpan<T> table, int digit, out T entry) where T : unmanaged
    {
        int sign = digit >> 31;
        ulong index = (ulong)((((digit ^ sign) - sign) - 1) >> 1);
        Unsafe.SkipInit(out entry);
        Span<ulong> result = MemoryMarshal.Cast<T, ulong>(MemoryMarshal.CreateSpan(ref entry, 1));
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<T, ulong>(table[..Size]);
        ref ulong first = ref MemoryMarshal.GetReference(words);
        int count = result.Length, offset = 0;

        Vector128<ulong> m0 = Mask(index, 0), m1 = Mask(index, 1), m2 = Mask(index, 2), m3 = Mask(index, 3);
        Vector128<ulong> m4 = Mask(index, 4), m5 = Mask(index, 5), m6 = Mask(index, 6), m7 = Mask(index, 7);
        for (; offset + 2 <= count; offset += 2)
        {
            Vector128<ulong> low = (Vector128.LoadUnsafe(ref first, (nuint)offset) & m0) | (Vector128.LoadUnsafe(ref first, (nuint)(offset + count)) & m1)
                | (Vector128.LoadUnsafe(ref first, (nuint)(offset + (2 * count))) & m2) | (Vector128.LoadUnsafe(ref first, (nuint)(offset + (3 * count))) & m3);
            Vector128<ulong> high = (Vector128.LoadUnsafe(ref first, (nuint)(offset + (4 * count))) & m4) | (Vector128.LoadUnsafe(ref first, (nuint)(offset + (5 * count))) & m5)
                | (Vector128.LoadUnsafe(ref first, (nuint)(offset + (6 * count))) & m6) | (Vector128.LoadUnsafe(ref first, (nuint)(offset + (7 * count))) & m7);
            (low | high).CopyTo(result[offset..]);
        }

        for (; offset < count; offset++)
        {
            ulong word = 0;
            for (int i = 0; i < Size; i++) word |= words[(i * count) + offset] & FieldElement.MaskIfZero(index ^ (uint)i);
            result[offset] = word;
        }

        return (ulong)(long)sign;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Mask(ulong index, uint entry) => Vector128.Create(FieldElement.MaskIfZero(index ^ entry));
}
