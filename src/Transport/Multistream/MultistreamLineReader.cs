using System.Text;
using System.Text.Unicode;

namespace Overlay.Transport.Multistream;

/// <summary>Collects the bytes of one line after another. Takes no byte beyond the line it is at.</summary>
internal sealed class MultistreamLineReader
{
    // Two varint bytes reach 16,383, beyond the longest line.
    private const int MaxPrefixSize = 2;

    // Only for a line that comes in pieces: as a rule the opening brings it whole.
    private byte[]? _pieces;
    private int _prefixSize;
    private int _size;
    private int _filled;
    private bool _sizeKnown;

    /// <summary>Takes bytes up to the end of the current line.</summary>
    /// <param name="input">What has arrived; the caller keeps what is not consumed.</param>
    /// <param name="consumed">How many bytes were taken.</param>
    /// <param name="text">The line without its newline, once it is whole.</param>
    /// <param name="violation">What is wrong with the line. The reader is then of no further use.</param>
    /// <returns>True when there is a line.</returns>
    internal bool TryRead(ReadOnlySpan<byte> input, out int consumed, out string text, out MultistreamViolation violation)
    {
        text = "";
        consumed = 0;
        violation = MultistreamViolation.None;
        while (!_sizeKnown)
        {
            if (consumed == input.Length) return false;
            violation = TakePrefixByte(input[consumed++]);
            if (violation != MultistreamViolation.None) return false;
        }

        ReadOnlySpan<byte> line = input.Slice(consumed, Math.Min(input.Length - consumed, _size - _filled));
        consumed += line.Length;
        if (line.Length < _size)
        {
            _pieces ??= new byte[MultistreamLine.MaxSize];
            line.CopyTo(_pieces.AsSpan(_filled));
            _filled += line.Length;
            if (_filled < _size) return false;
            line = _pieces.AsSpan(0, _size);
        }

        if (line[^1] != (byte)'\n') violation = MultistreamViolation.NoNewline;
        else if (!Utf8.IsValid(line)) violation = MultistreamViolation.NotText;
        else text = line.SequenceEqual(MultistreamLine.HeaderText) ? MultistreamLine.Header : Encoding.UTF8.GetString(line[..^1]);
        _prefixSize = _size = _filled = 0;
        _sizeKnown = false;
        return violation == MultistreamViolation.None;
    }

    private MultistreamViolation TakePrefixByte(byte b)
    {
        _size |= (b & 0x7F) << (7 * _prefixSize++);
        if (b >= 0x80) return _prefixSize < MaxPrefixSize ? MultistreamViolation.None : MultistreamViolation.LineTooLong;
        // A line has at least its newline, and a length has its shortest form.
        if (_size == 0 || (b == 0 && _prefixSize > 1)) return MultistreamViolation.BadLength;
        if (_size > MultistreamLine.MaxSize) return MultistreamViolation.LineTooLong;
        _sizeKnown = true;
        return MultistreamViolation.None;
    }
}
