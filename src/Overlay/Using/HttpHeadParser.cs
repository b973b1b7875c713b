using System.Buffers;
using System.Text;

namespace Overlay.Using;

/// <summary>Takes the head of an HTTP/1 message apart, line by line, without I/O (RFC 9112, sections 2 to 5). One instance for one head.</summary>
/// <remarks>
/// <code>
/// start-line CRLF
/// *( field-name ":" OWS field-value OWS CRLF )
/// CRLF
/// </code>
/// Stricter than the RFC makes a recipient be: lines end in CRLF only, folded lines, white space before a colon and control characters are errors. Whatever two
/// implementations might read in two ways is refused, since it could hide one request in another. Keeps at most <c>MaxHeadSize</c> bytes; the caller keeps the
/// unfinished line, which is at most <c>MaxLineSize</c>.
/// </remarks>
internal sealed class HttpHeadParser(HttpProxyOptions limits)
{
    private readonly List<HttpField> _fields = [];
    private string? _startLine;
    private bool _skippedEmptyLine;
    private long _size;

    /// <summary>Whether bytes of the head have been seen.</summary>
    public bool HasBegun => _size > 0;

    /// <summary>Takes in complete lines.</summary>
    /// <param name="input">All bytes received and not yet consumed; moved on to the first one that was not used up.</param>
    /// <returns>The head, once it is complete; null if more bytes are needed.</returns>
    /// <exception cref="HttpFormatException">Malformed or too large.</exception>
    public HttpHead? Advance(ref ReadOnlySequence<byte> input)
    {
        while (TryReadLine(ref input, out string line))
        {
            if (_startLine is null)
            {
                // RFC 9112, section 2.2: one empty line before a request is left over from an old client's body.
                if (line.Length == 0 && !_skippedEmptyLine) _skippedEmptyLine = true;
                else if (line.Length == 0 || !HttpCharacters.IsText(line)) throw new HttpFormatException(400, "The start line is malformed.");
                else _startLine = line;
            }
            else if (line.Length == 0) return new HttpHead(_startLine, _fields);
            else AddField(line);
        }

        return null;
    }

    private void AddField(string line)
    {
        if (_fields.Count == limits.MaxFieldCount) throw new HttpFormatException(431, $"The head has more than {limits.MaxFieldCount} fields.");
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !HttpCharacters.IsToken(line.AsSpan(0, colon))) throw new HttpFormatException(400, "A field is malformed.");
        string value = line[(colon + 1)..].Trim(' ', '\t');
        if (!HttpCharacters.IsText(value)) throw new HttpFormatException(400, "A field has control characters.");
        _fields.Add(new HttpField(line[..colon], value));
    }

    private bool TryReadLine(ref ReadOnlySequence<byte> input, out string line)
    {
        line = "";
        var reader = new SequenceReader<byte>(input);
        bool ended = reader.TryReadToAny(out ReadOnlySequence<byte> content, "\r\n"u8, advancePastDelimiter: false);
        if ((ended ? content.Length : input.Length) > limits.MaxLineSize) throw TooLarge("A line of the head is too long.");
        if (!ended) return false;
        if (reader.IsNext((byte)'\n')) throw new HttpFormatException(400, "A line does not end in CR LF.");
        reader.Advance(1);
        if (reader.End) return false;
        if (!reader.IsNext((byte)'\n', advancePast: true)) throw new HttpFormatException(400, "A line does not end in CR LF.");

        _size += content.Length + 2;
        if (_size > limits.MaxHeadSize) throw TooLarge("The head is too large.");
        line = Encoding.Latin1.GetString(content);
        input = input.Slice(reader.Position);
        return true;
    }

    private HttpFormatException TooLarge(string message) => new(_startLine is null ? 414 : 431, message);
}
