using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>An integer modulo ℓ = 2²⁵² + 27742317777372353535851937790883648493, the order of ristretto255 (RFC 9496, section 4.4). Always reduced.</summary>
/// <remarks>Constant time, but for members whose names end in VarTime. Often a secret: it has no text form and no equality operator.</remarks>
#if !OVERLAY_TRANSPORT
public
#else
internal
#endif
readonly struct Scalar
{
    /// <summary>Size of the encoding in bytes.</summary>
    public const int Size = 32;

    /// <summary>Size in bytes of what <see cref="ReduceWide"/> takes.</summary>
    public const int WideSize = 64;

    internal readonly ulong W0, W1, W2, W3;

    // Words of a number that is known to be below ℓ.
    internal Scalar(ulong w0, ulong w1, ulong w2, ulong w3)
    {
        W0 = w0;
        W1 = w1;
        W2 = w2;
        W3 = w3;
    }

    /// <summary>A small number.</summary>
    /// <param name="value">Any value.</param>
    public Scalar(ulong value) : this(value, 0, 0, 0)
    {
    }

    /// <summary>0.</summary>
    public static Scalar Zero => default;

    /// <summary>1.</summary>
    public static Scalar One => new(1);

    /// <summary>A uniform random scalar from the system's generator.</summary>
    public static Scalar Random()
    {
        Span<byte> wide = stackalloc byte[WideSize];
        try
        {
            RandomNumberGenerator.Fill(wide);
            return ReduceWide(wide);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(wide);
        }
    }

    /// <summary>Takes a 512-bit number, little-endian, modulo ℓ: 64 uniform bytes give a uniform scalar.</summary>
    /// <param name="bytes">Exactly <see cref="WideSize"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> has another length.</exception>
    public static Scalar ReduceWide(ReadOnlySpan<byte> bytes)
    {
        CheckLength(bytes.Length, WideSize, nameof(bytes));
        return ScalarArithmetic.Reduce(Word(bytes, 0), Word(bytes, 1), Word(bytes, 2), Word(bytes, 3), Word(bytes, 4), Word(bytes, 5), Word(bytes, 6), Word(bytes, 7));
    }

    /// <summary>Decodes 32 bytes, little-endian.</summary>
    /// <param name="bytes">What a peer sent; any length but <see cref="Size"/> is refused.</param>
    /// <param name="scalar">The scalar, or zero.</param>
    /// <returns>False for every number that is not below ℓ.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out Scalar scalar)
    {
        scalar = default;
        if (bytes.Length != Size) return false;
        ulong w0 = Word(bytes, 0), w1 = Word(bytes, 1), w2 = Word(bytes, 2), w3 = Word(bytes, 3);
        if (ScalarArithmetic.IsReduced(w0, w1, w2, w3) == 0) return false;
        scalar = new Scalar(w0, w1, w2, w3);
        return true;
    }

    /// <summary>Writes the encoding: 32 bytes, little-endian.</summary>
    /// <param name="destination">Exactly <see cref="Size"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length.</exception>
    public void Encode(Span<byte> destination)
    {
        CheckLength(destination.Length, Size, nameof(destination));
        BinaryPrimitives.WriteUInt64LittleEndian(destination, W0);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], W1);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], W2);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], W3);
    }

    /// <summary>1/a; zero for zero.</summary>
    public Scalar Invert() => ScalarArithmetic.Invert(this);

    /// <summary>True for zero.</summary>
    public bool IsZero() => FieldElement.MaskIfZero(W0 | W1 | W2 | W3) != 0;

    /// <summary>True when both are the same number.</summary>
    public bool FixedTimeEquals(in Scalar other) => FieldElement.MaskIfZero((W0 ^ other.W0) | (W1 ^ other.W1) | (W2 ^ other.W2) | (W3 ^ other.W3)) != 0;

    /// <summary>a + b.</summary>
    public static Scalar operator +(in Scalar a, in Scalar b) => ScalarArithmetic.Add(a, b);

    /// <summary>a - b.</summary>
    public static Scalar operator -(in Scalar a, in Scalar b) => ScalarArithmetic.Subtract(a, b);

    /// <summary>-a.</summary>
    public static Scalar operator -(in Scalar a) => ScalarArithmetic.Subtract(default, a);

    /// <summary>a·b.</summary>
    public static Scalar operator *(in Scalar a, in Scalar b) => ScalarArithmetic.Multiply(a, b);

    /// <summary>Replaces every scalar by its inverse, with one inversion for all. None may be zero.</summary>
    internal static void InvertAll(Span<Scalar> scalars)
    {
        var before = new Scalar[scalars.Length];
        Scalar product = One;
        for (int i = 0; i < scalars.Length; i++)
        {
            before[i] = product;
            product *= scalars[i];
        }

        Scalar inverse = product.Invert();
        for (int i = scalars.Length - 1; i >= 0; i--)
        {
            Scalar next = inverse * scalars[i];
            scalars[i] = inverse * before[i];
            inverse = next;
        }
    }

    /// <summary>Bits up to the highest that is set; 0 for zero.</summary>
    internal int BitLengthVarTime()
    {
        if (W3 != 0) return 256 - BitOperations.LeadingZeroCount(W3);
        if (W2 != 0) return 192 - BitOperations.LeadingZeroCount(W2);
        return W1 != 0 ? 128 - BitOperations.LeadingZeroCount(W1) : 64 - BitOperations.LeadingZeroCount(W0);
    }

    /// <summary>Overwrites secrets.</summary>
    internal static void Clear(Span<Scalar> scalars) => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(scalars));

    private static ulong Word(ReadOnlySpan<byte> bytes, int index) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * index)..]);

    private static void CheckLength(int length, int expected, string parameter)
    {
        if (length != expected) throw new ArgumentException($"Expected {expected} bytes, got {length}.", parameter);
    }
}
