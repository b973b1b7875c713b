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

    /// <summary>The text of that line, with its newline.</summary>
    internal static ReadOnlySpan<byte> HeaderText => "/multistream/1.0.0\n"u8;

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

    /// <summary>One line after another.</summary>
    internal static byte[] Encode(params ReadOnlySpan<string> texts)
    {
        int size = 0;
        foreach (string text in texts) size += SizeOf(Encoding.UTF8.GetByteCount(text));
        byte[] lines = new byte[size];
        int written = 0;
        foreach (string text in texts) written += Write(lines.AsSpan(written), text);
        return lines;
    }

    internal static void Write(IBufferWriter<byte> output, string text) =>
        output.Advance(Write(output.GetSpan(SizeOf(Encoding.UTF8.GetByteCount(text))), text));

    /// <summary>A line whose text is itself lines.</summary>
    internal static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        output.Advance(Varint.Write(output.GetSpan(Varint.MaxSize), (ulong)text.Length + 1));
        output.Write(text);
        output.Write("\n"u8);
    }

    private static int Write(Span<byte> destination, string text)
    {
        int size = Varint.Write(destination, (ulong)Encoding.UTF8.GetByteCount(text) + 1);
        size += Encoding.UTF8.GetBytes(text, destination[size..]);
        destination[size] = (byte)'\n';
        return size + 1;
    }

    private static int SizeOf(int length) => Varint.Size((ulong)length + 1) + length + 1;
}
