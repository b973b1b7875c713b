using System.Buffers.Binary;
using System.Text;

namespace Overlay.Proofs.Encoding;

/// <summary>Reads MessagePack in exactly one encoding, so that a decoded object encodes to the bytes it came from.</summary>
/// <remarks>
/// Refuses longer integer or length forms than needed, negative numbers, text that is not UTF-8, and everything over the maximum that the caller
/// names. Every method answers false on what a peer got wrong and never throws; after one false the reader stays failed.
/// </remarks>
public ref struct CanonicalReader
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest;

    /// <summary>Reads from <paramref name="bytes"/>, which must outlive this reader.</summary>
    public CanonicalReader(ReadOnlySpan<byte> bytes)
    {
        _rest = bytes;
        Failed = false;
    }

    /// <summary>True once any read was refused.</summary>
    public bool Failed { get; private set; }

    /// <summary>True when nothing was refused and nothing is left: the last check of every decoder.</summary>
    public readonly bool IsComplete => !Failed && _rest.IsEmpty;

    /// <summary>Reads the header of an array that must have exactly <paramref name="expectedCount"/> elements.</summary>
    public bool TryReadArrayHeader(int expectedCount) => TryReadArrayHeader(expectedCount, expectedCount, out _);

    /// <summary>Reads the header of an array of between <paramref name="minCount"/> and <paramref name="maxCount"/> elements.</summary>
    public bool TryReadArrayHeader(int minCount, int maxCount, out int count)
    {
        count = 0;
        if (!TryTake(1, out ReadOnlySpan<byte> head)) return false;
        uint value;
        if ((head[0] & 0xF0) == 0x90) value = (uint)(head[0] & 0x0F);
        else if (head[0] == 0xDC && TryTake(2, out ReadOnlySpan<byte> two) && BinaryPrimitives.ReadUInt16BigEndian(two) is var n and > 15) value = n;
        else return Fail();
        if (value < minCount || value > maxCount) return Fail();
        count = (int)value;
        return true;
    }

    /// <summary>Reads an unsigned integer of at most <paramref name="max"/>.</summary>
    public bool TryReadUInt64(ulong max, out ulong value)
    {
        value = 0;
        if (!TryTake(1, out ReadOnlySpan<byte> head)) return false;
        switch (head[0])
        {
            case <= 0x7F:
                value = head[0];
                break;
            case 0xCC when TryTake(1, out ReadOnlySpan<byte> one) && one[0] > 0x7F:
                value = one[0];
                break;
            case 0xCD when TryTake(2, out ReadOnlySpan<byte> two) && BinaryPrimitives.ReadUInt16BigEndian(two) is var n and > byte.MaxValue:
                value = n;
                break;
            case 0xCE when TryTake(4, out ReadOnlySpan<byte> four) && BinaryPrimitives.ReadUInt32BigEndian(four) is var n and > ushort.MaxValue:
                value = n;
                break;
            case 0xCF when TryTake(8, out ReadOnlySpan<byte> eight) && BinaryPrimitives.ReadUInt64BigEndian(eight) is var n and > uint.MaxValue:
                value = n;
                break;
            default:
                return Fail();
        }

        if (value <= max) return true;
        value = 0;
        return Fail();
    }

    /// <summary>Reads an unsigned integer of at most <paramref name="max"/> into 32 bits.</summary>
    public bool TryReadUInt32(uint max, out uint value)
    {
        bool read = TryReadUInt64(max, out ulong wide);
        value = (uint)wide;
        return read;
    }

    /// <summary>Reads a truth value.</summary>
    public bool TryReadBoolean(out bool value)
    {
        value = false;
        if (!TryTake(1, out ReadOnlySpan<byte> head)) return false;
        if (head[0] is not (0xC2 or 0xC3)) return Fail();
        value = head[0] == 0xC3;
        return true;
    }

    /// <summary>Reads <c>bin</c> of between <paramref name="minSize"/> and <paramref name="maxSize"/> bytes; the result is a view of the input.</summary>
    public bool TryReadBytes(int minSize, int maxSize, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!TryTake(1, out ReadOnlySpan<byte> head)) return false;
        uint size;
        if (head[0] == 0xC4 && TryTake(1, out ReadOnlySpan<byte> one)) size = one[0];
        else if (head[0] == 0xC5 && TryTake(2, out ReadOnlySpan<byte> two) && BinaryPrimitives.ReadUInt16BigEndian(two) is var n and > byte.MaxValue) size = n;
        else if (head[0] == 0xC6 && TryTake(4, out ReadOnlySpan<byte> four) && BinaryPrimitives.ReadUInt32BigEndian(four) is var m and > ushort.MaxValue) size = m;
        else return Fail();
        if (size < (uint)minSize || size > (uint)maxSize) return Fail();
        return TryTake((int)size, out value);
    }

    /// <summary>Reads <c>bin</c> of exactly 32 bytes as a digest.</summary>
    public bool TryReadDigest(out Digest value)
    {
        bool read = TryReadBytes(Digest.Size, Digest.Size, out ReadOnlySpan<byte> bytes);
        value = read ? new Digest(bytes) : default;
        return read;
    }

    /// <summary>Reads <c>bin</c> of exactly 32 bytes as a public key.</summary>
    public bool TryReadPublicKey(out PublicKey value)
    {
        bool read = TryReadBytes(PublicKey.Size, PublicKey.Size, out ReadOnlySpan<byte> bytes);
        value = read ? new PublicKey(bytes) : default;
        return read;
    }

    /// <summary>Reads <c>str</c> of at most <paramref name="maxSize"/> bytes of UTF-8.</summary>
    public bool TryReadString(int maxSize, out string value)
    {
        value = "";
        if (!TryTake(1, out ReadOnlySpan<byte> head)) return false;
        uint size;
        if ((head[0] & 0xE0) == 0xA0) size = (uint)(head[0] & 0x1F);
        else if (head[0] == 0xD9 && TryTake(1, out ReadOnlySpan<byte> one) && one[0] > 31) size = one[0];
        else if (head[0] == 0xDA && TryTake(2, out ReadOnlySpan<byte> two) && BinaryPrimitives.ReadUInt16BigEndian(two) is var n and > byte.MaxValue) size = n;
        else return Fail();
        if (size > (uint)maxSize) return Fail();
        if (!TryTake((int)size, out ReadOnlySpan<byte> bytes)) return false;
        try
        {
            value = s_strictUtf8.GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return Fail();
        }
    }

    private bool TryTake(int count, out ReadOnlySpan<byte> bytes)
    {
        if (Failed || _rest.Length < count)
        {
            bytes = default;
            return Fail();
        }

        bytes = _rest[..count];
        _rest = _rest[count..];
        return true;
    }

    private bool Fail()
    {
        Failed = true;
        return false;
    }
}
