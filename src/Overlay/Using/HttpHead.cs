using System.Globalization;

namespace Overlay.Using;

/// <summary>A field of a head. Bytes above 7F are kept as the characters of the same number, so that they go out as they came in.</summary>
internal readonly record struct HttpField(string Name, string Value)
{
    public bool Is(string name) => Name.Equals(name, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Start line and fields of a message, in order.</summary>
internal sealed record HttpHead(string StartLine, IReadOnlyList<HttpField> Fields)
{
    public int Count(string name) => Fields.Count(field => field.Is(name));

    /// <summary>The value of a field that is there at most once; null if it is not there.</summary>
    /// <exception cref="HttpFormatException">It is there more than once.</exception>
    public string? Single(string name)
    {
        string? value = null;
        foreach (HttpField field in Fields)
        {
            if (!field.Is(name)) continue;
            if (value is not null) throw new HttpFormatException(400, $"The message has more than one {name} field.");
            value = field.Value;
        }

        return value;
    }

    /// <summary>The members of a list field, over all its lines (RFC 9110, section 5.6.1).</summary>
    public IEnumerable<string> List(string name) =>
        Fields.Where(field => field.Is(name)).SelectMany(field => field.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}

/// <summary>The start line of a request (RFC 9112, section 3).</summary>
/// <param name="Method">A token.</param>
/// <param name="Target">Without spaces, otherwise as sent.</param>
/// <param name="IsHttp11">False for HTTP/1.0.</param>
internal sealed record RequestLine(string Method, string Target, bool IsHttp11)
{
    private const int MaxMethodLength = 32;

    /// <exception cref="HttpFormatException">It is none.</exception>
    public static RequestLine Parse(string line)
    {
        string[] parts = line.Split(' ');
        if (parts.Length != 3 || parts[1].Length == 0) throw new HttpFormatException(400, "The request line is malformed.");
        if (parts[0].Length > MaxMethodLength || !HttpCharacters.IsToken(parts[0])) throw new HttpFormatException(400, "The method is malformed.");
        if (parts[1].AsSpan().ContainsAnyExceptInRange('!', '~')) throw new HttpFormatException(400, "The request target has characters that a URI cannot have.");
        bool isHttp11 = parts[2] == "HTTP/1.1";
        if (isHttp11 || parts[2] == "HTTP/1.0") return new RequestLine(parts[0], parts[1], isHttp11);
        throw parts[2].StartsWith("HTTP/", StringComparison.Ordinal)
            ? new HttpFormatException(505, "The proxy speaks HTTP/1.1 and HTTP/1.0.")
            : new HttpFormatException(400, "The request line is malformed.");
    }
}

/// <summary>The start line of a response (RFC 9112, section 4).</summary>
/// <param name="Status">100 to 599.</param>
/// <param name="Reason">May be empty.</param>
/// <param name="IsHttp11">False for HTTP/1.0.</param>
internal sealed record StatusLine(int Status, string Reason, bool IsHttp11)
{
    private const int StatusEnd = 12; // "HTTP/1.1 200"

    /// <exception cref="HttpFormatException">It is none.</exception>
    public static StatusLine Parse(string line)
    {
        bool isHttp11 = line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal);
        bool wellFormed = (isHttp11 || line.StartsWith("HTTP/1.0 ", StringComparison.Ordinal)) && line.Length >= StatusEnd && (line.Length == StatusEnd || line[StatusEnd] == ' ');
        if (!wellFormed || !int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status) || status is < 100 or > 599)
            throw new HttpFormatException(502, "The target's status line is malformed.");
        return new StatusLine(status, line.Length > StatusEnd ? line[(StatusEnd + 1)..] : "", isHttp11);
    }
}
