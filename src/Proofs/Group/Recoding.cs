#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Scalars as digits with signs, for the multiplications.</summary>
internal static class Recoding
{
    /// <summary>Positions of a non-adjacent form.</summary>
    internal const int NafSize = 256;

    /// <summary>Digits of <see cref="OddRadix16"/>.</summary>
    internal const int OddDigitCount = 64;

    /// <summary>Width-w non-adjacent form: Σ naf[i]·2ⁱ, each digit zero or odd and below 2^(w-1) in size, at most one of w neighbours not zero.</summary>
    /// <param name="k">The number.</param>
    /// <param name="width">2 to 8.</param>
    /// <param name="naf">Receives <see cref="NafSize"/> digits.</param>
    internal static void NafVarTime(in Scalar k, int width, Span<sbyte> naf)
    {
        naf.Clear();
        ReadOnlySpan<ulong> words = [k.W0, k.W1, k.W2, k.W3, 0];
        int radix = 1 << width, position = 0, carry = 0;
        while (position < NafSize)
        {
            int word = position >> 6, bit = position & 63;
            ulong bits = words[word] >> bit;
            if (bit + width > 64) bits |= words[word + 1] << (64 - bit);
            int window = carry + (int)(bits & (ulong)(radix - 1));
            if ((window & 1) == 0)
            {
                // An even window with carry stays even until the carry is used up, so one position is the step.
                position++;
                continue;
            }

            carry = window < radix / 2 ? 0 : 1;
            naf[position] = (sbyte)(window - (carry * radix));
            position += width;
        }
    }

    /// <summary>Digits of radix 2^width in (-2^(width-1), 2^(width-1)], lowest first, each written <paramref name="stride"/> after the one before.</summary>
    /// <remarks>A number below 2^(width·count - 1) is exact: the highest digit is then at most 2^(width-1) and carries nothing on.</remarks>
    internal static void SignedVarTime(in Scalar k, int width, Span<short> digits, int stride, int count)
    {
        ReadOnlySpan<ulong> words = [k.W0, k.W1, k.W2, k.W3, 0];
        int radix = 1 << width, carry = 0;
        for (int i = 0; i < count; i++)
        {
            int position = i * width, word = position >> 6, bit = position & 63;
            ulong bits = word < 4 ? words[word] >> bit : 0;
            if (bit + width > 64 && word < 4) bits |= words[word + 1] << (64 - bit);
            int digit = carry + (int)(bits & (ulong)(radix - 1));
            carry = (digit + (radix / 2) - 1) >> width;
            digits[i * stride] = (short)(digit - (carry << width));
        }
    }

    /// <summary>Digits for the constant-time multiplications: Σ dᵢ·16ⁱ = k modulo ℓ, every dᵢ odd and in [-15, 15], so none is zero and none stands out.</summary>
    /// <remarks>With k odd, and b the four bits of k above bit 4·i, dᵢ = 2·b - 15; the last is 2·b + 1.</remarks>
    internal static void OddRadix16(in Scalar k, Span<sbyte> digits)
    {
        Span<ulong> words = stackalloc ulong[5];
        ScalarArithmetic.MakeOdd(k, words);
        for (int i = 0; i < OddDigitCount; i++)
        {
            int position = (4 * i) + 1, word = position >> 6, bit = position & 63;
            ulong bits = words[word] >> bit;
            if (bit > 60) bits |= words[word + 1] << (64 - bit);
            digits[i] = (sbyte)((2 * (int)(bits & 15)) + (i == OddDigitCount - 1 ? 1 : -15));
        }

        words.Clear();
    }
}
