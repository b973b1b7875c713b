namespace Overlay;

/// <summary>Where an exit stands: an ISO 3166-1 alpha-2 code, or <c>ZZ</c> for anywhere.</summary>
public readonly record struct Region
{
    private readonly string? _code;

    private Region(string code) => _code = code;

    /// <summary>Anywhere: <c>ZZ</c>. Also the default value.</summary>
    public static Region Anywhere { get; } = new("ZZ");

    /// <summary>The two upper-case letters.</summary>
    public string Code => _code ?? "ZZ";

    /// <summary>Reads two letters, in either case.</summary>
    /// <exception cref="FormatException">The text is not two letters from A to Z.</exception>
    public static Region Parse(string text) =>
        TryParse(text, out Region region) ? region : throw new FormatException($"'{text}' is not a region; write an ISO 3166-1 code of two letters such as DE, or ZZ for anywhere.");

    /// <summary>Reads two letters, in either case; false for anything else.</summary>
    public static bool TryParse(string? text, out Region region)
    {
        region = default;
        if (text is not { Length: 2 } || !char.IsAsciiLetter(text[0]) || !char.IsAsciiLetter(text[1])) return false;
        region = new Region(text.ToUpperInvariant());
        return true;
    }

    /// <summary>Whether two regions have the same code.</summary>
    public bool Equals(Region other) => string.Equals(Code, other.Code, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => Code.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Code;

    /// <summary>Reads two letters, so that options can be written as text.</summary>
    /// <exception cref="FormatException">The text is no region.</exception>
    public static implicit operator Region(string text) => Parse(text);

    /// <summary>Makes a region of text: <see cref="Parse"/>.</summary>
    public static Region ToRegion(string text) => Parse(text);
}
