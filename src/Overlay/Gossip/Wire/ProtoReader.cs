using System.Diagnostics.CodeAnalysis;

namespace Overlay.Gossip.Wire;

/// <summary>Walks the fields of one protobuf message without making anything of them. False means that the bytes are no protobuf.</summary>
internal ref struct ProtoReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Where the next field begins; after a field, where it ended.</summary>
    internal int Position { get; private set; }

    internal readonly bool IsAtEnd => Position == _bytes.Length;

    /// <summary>Whether every number so far was in its shortest form.</summary>
    internal bool IsShortest { get; private set; } = true;

    /// <summary>Reads one field. Bytes lie in the input at <see cref="ProtoField.Start"/>; numbers are in <see cref="ProtoField.Number"/>.</summary>
    internal bool TryRead(out ProtoField field)
    {
        field = default;
        if (!TryReadVarint(out ulong tag) || tag >> 3 is 0 or > 0x1FFF_FFFF) return false;
        int name = (int)(tag >> 3);
        switch ((ProtoKind)(tag & 7))
        {
            case ProtoKind.Varint:
                if (!TryReadVarint(out ulong number)) return false;
                field = new ProtoField(name, ProtoKind.Varint, number, 0, 0);
                return true;
            case ProtoKind.Bytes:
                // Compared as numbers of 64 bits, so that no announced length can wrap round.
                if (!TryReadVarint(out ulong size) || size > (ulong)(_bytes.Length - Position)) return false;
                field = new ProtoField(name, ProtoKind.Bytes, 0, Position, (int)size);
                Position += (int)size;
                return true;
            case ProtoKind.Fixed64:
                return TrySkip(8, new ProtoField(name, ProtoKind.Fixed64, 0, Position, 8), out field);
            case ProtoKind.Fixed32:
                return TrySkip(4, new ProtoField(name, ProtoKind.Fixed32, 0, Position, 4), out field);
            default:
                return false;
        }
    }

    private bool TrySkip(int size, ProtoField skipped, out ProtoField field)
    {
        field = skipped;
        if (_bytes.Length - Position < size) return false;
        Position += size;
        return true;
    }

    private bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (int i = 0; i < 10 && Position < _bytes.Length; i++)
        {
            byte b = _bytes[Position++];
            if (i == 9 && b > 1) return false;
            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b >= 0x80) continue;
            if (b == 0 && i > 0) IsShortest = false;
            return true;
        }

        return false;
    }
}

/// <summary>The forms of a field that proto2 and proto3 use; groups are refused.</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name", Justification = "The format's own words.")]
internal enum ProtoKind
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>One field of a message.</summary>
internal readonly record struct ProtoField(int Name, ProtoKind Kind, ulong Number, int Start, int Size)
{
    internal bool IsBytes(int name) => Name == name && Kind == ProtoKind.Bytes;
}
