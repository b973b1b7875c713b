namespace Overlay.Using;

/// <summary>Follows a chunked body to its end (RFC 9112, section 7.1).</summary>
/// <remarks>
/// <code>
/// *( 1*HEXDIG [ extensions ] CRLF  size bytes  CRLF )
/// 1*"0" [ extensions ] CRLF
/// *( trailer field CRLF )
/// CRLF
/// </code>
/// A byte that two implementations might read in two ways (a bare CR or LF, white space around the size) is an error.
/// </remarks>
/// <param name="maxLineSize">Longest line of size and extensions, in bytes.</param>
/// <param name="maxTrailerSize">Largest trailer section, in bytes.</param>
/// <param name="errorStatus">The status that a malformed body is answered with.</param>
internal sealed class ChunkedBody(int maxLineSize, int maxTrailerSize, int errorStatus) : HttpBody
{
    private const int MaxSizeDigits = 15; // fits a long

    private State _state;
    private long _size;
    private int _digits;
    private int _lineSize;
    private int _trailerSize;
    private bool _trailerLineIsEmpty;

    private enum State
    {
        Size,
        Extension,
        SizeLineFeed,
        Data,
        DataReturn,
        DataLineFeed,
        Trailer,
        TrailerLineFeed,
        Over,
    }

    public override bool IsComplete => _state == State.Over;

    public override int Take(ReadOnlySpan<byte> input)
    {
        int taken = 0;
        while (taken < input.Length && _state != State.Over)
        {
            if (_state == State.Data)
            {
                int count = (int)Math.Min(_size, input.Length - taken);
                taken += count;
                _size -= count;
                if (_size == 0) _state = State.DataReturn;
            }
            else Step(input[taken++]);
        }

        return taken;
    }

    private void Step(byte next)
    {
        switch (_state)
        {
            case State.Size when char.IsAsciiHexDigit((char)next):
                if (++_digits > MaxSizeDigits) throw Malformed("A chunk is too large.");
                _size = (_size << 4) + HexValue(next);
                break;
            case State.Size when _digits > 0 && next == '\r':
            case State.Extension when next == '\r':
                _state = State.SizeLineFeed;
                break;
            case State.Size when _digits > 0 && next == ';':
                _state = State.Extension;
                break;
            case State.Extension when IsText(next):
                if (++_lineSize > maxLineSize) throw Malformed("A chunk's extensions are too long.");
                break;
            case State.SizeLineFeed when next == '\n':
                _state = _size > 0 ? State.Data : State.Trailer;
                _trailerLineIsEmpty = true;
                _digits = 0;
                _lineSize = 0;
                break;
            case State.DataReturn when next == '\r':
                _state = State.DataLineFeed;
                break;
            case State.DataLineFeed when next == '\n':
                _state = State.Size;
                break;
            case State.Trailer when next == '\r':
                _state = State.TrailerLineFeed;
                break;
            case State.Trailer when IsText(next):
                if (++_trailerSize > maxTrailerSize) throw Malformed("The trailer section is too large.");
                _trailerLineIsEmpty = false;
                break;
            case State.TrailerLineFeed when next == '\n':
                _state = _trailerLineIsEmpty ? State.Over : State.Trailer;
                _trailerLineIsEmpty = true;
                break;
            default:
                throw Malformed("The chunked body is malformed.");
        }
    }

    private static int HexValue(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private static bool IsText(byte value) => value is >= (byte)' ' and not 0x7f or (byte)'\t';

    private HttpFormatException Malformed(string message) => new(errorStatus, message);
}
