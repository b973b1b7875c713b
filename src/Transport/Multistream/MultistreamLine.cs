using System.Buffers;
using System.Text;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Multistream;

/// <summary>multistream-select's words and how a line is written (libp2p connections specification, "multistream-select").</summary>
/// <remarks>
/// <code>
/// +----------------+-----------------+------+
/// | length, varint | text, UTF-8     | '\n' |      length = text and newline, 1 to 1024
/// +----------------+-----------------+------+
/// </code>
/// </remarks>
internal static class MultistreamLine
{
    /// <summary>The first line of both sides.</summary>
    internal const string Header = "/multistream/1.0.0";

    /// <summary>The answer to a protocol that is not available.</summary>
    internal const string NotAvailable = "na";

    /// <summary>The question which protocols there are.</summary>
    internal const string List = "ls";

    /// <summary>Longest line in bytes with its newline and without its length, as go-libp2p and js-libp2p have it.</summary>
    internal const int MaxSize = 1024;

    /// <summary>Whether a name can be proposed: it fits into a line and is none of the protocol's own words.</summary>
    internal static bool IsProtocolName(string name) =>
        name.Length > 0
        && Encoding.UTF8.GetByteCount(name) < MaxSize
        && !name.Contains('\n')
        && name is not (Header or NotAvailable or List);

    internal static byte[] Encode(string text) => Encode(Encoding.UTF8.GetBytes(text));

    internal static byte[] Encode(ReadOnlySpan<byte> text)
    {
        var line = new ArrayBufferWriter<byte>(text.Length + 3);
        Write(line, text);
        return line.WrittenSpan.ToArray();
    }

    internal static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        Span<byte> prefix = output.GetSpan(Varint.MaxSize);
        output.Advance(Varint.Write(prefix, (ulong)text.Length + 1));
        output.Write(text);
        output.Write("\n"u8);
    }
}
