namespace Overlay.Transport.Yamux;

/// <summary>Cuts a stream of bytes into frame headers and stretches of payload, wherever the bytes happen to be split. No I/O, no payload copied.</summary>
/// <remarks>Owned by the receive loop.</remarks>
internal struct FrameDecoder
{
    private PartialHeader _partial;
    private int _partialSize;
    private uint _payloadLeft;

    /// <summary>Payload bytes of the current frame that have not been taken yet.</summary>
    internal readonly uint PayloadLeft => _payloadLeft;

    /// <summary>Whether the bytes so far end between two frames.</summary>
    internal readonly bool IsBetweenFrames => _partialSize == 0 && _payloadLeft == 0;

    /// <summary>Takes bytes of a header from <paramref name="source"/>, which must not be in the middle of a payload.</summary>
    /// <returns>True when a header is complete. False when all of <paramref name="source"/> was taken and more is needed.</returns>
    internal bool TryReadHeader(ReadOnlySpan<byte> source, out int taken, out FrameHeader header)
    {
        if (_partialSize == 0 && source.Length >= FrameHeader.Size)
        {
            taken = FrameHeader.Size;
            header = FrameHeader.Read(source);
        }
        else
        {
            Span<byte> partial = _partial;
            taken = Math.Min(FrameHeader.Size - _partialSize, source.Length);
            source[..taken].CopyTo(partial[_partialSize..]);
            _partialSize += taken;
            header = default;
            if (_partialSize < FrameHeader.Size) return false;
            _partialSize = 0;
            header = FrameHeader.Read(partial);
        }

        if (header.Type == FrameType.Data) _payloadLeft = header.Length;
        return true;
    }

    /// <summary>Takes up to <paramref name="available"/> bytes of payload.</summary>
    internal int TakePayload(int available)
    {
        int taken = (int)Math.Min(_payloadLeft, (uint)available);
        _payloadLeft -= (uint)taken;
        return taken;
    }

    [System.Runtime.CompilerServices.InlineArray(FrameHeader.Size)]
    private struct PartialHeader
    {
        private byte _first;
    }
}
