using System.Buffers;
using System.Text;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Multistream;

/// <summary>The lines of multistream-select: a varint length, then that many bytes of which the last is a newline (connections specification, "multistream-select").</summary>
/// <remarks>
/// <code>
/// line = size of text and newline, unsigned varint ‖ text ‖ '\n'
/// </code>
/// </remarks>
internal static class MultistreamLine
{
    /// <summary>The protocol's own name, with which both sides begin.</summary>
    internal const string Header = "/multistream/1.0.0";

    /// <summary>Most bytes of a line's text with its newline; the specification's bound.</summary>
    internal const int MaxSize = 1024;

    /// <summary>Most bytes of a whole line.</summary>
    internal const int MaxFramedSize = MaxSize + 2;

    internal const string NotAvailable = "na";
    internal const string List = "ls";

    internal static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        Span<byte> line = output.GetSpan(MaxFramedSize);
        int at = Varint.Write(line, (ulong)text.Length + 1);
        text.CopyTo(line[at..]);
        line[at + text.Length] = (byte)'\n';
        output.Advance(at + text.Length + 1);
    }

    internal static void Write(IBufferWriter<byte> output, string text) => Write(output, Encoding.UTF8.GetBytes(text));

    /// <summary>Takes the first line off <paramref name="input"/>.</summary>
    /// <param name="input">What has been received.</param>
    /// <param name="step">For the words of a failure.</param>
    /// <param name="text">The line without its newline.</param>
    /// <param name="size">Bytes of the whole line.</param>
    /// <returns>False while the line is not whole.</returns>
    /// <exception cref="ConnectionException">The line is too long or malformed; known from its first bytes.</exception>
    internal static bool TryRead(ReadOnlySpan<byte> input, ConnectionStep step, out string text, out int size)
    {
        text = "";
        size = 0;
        VarintStatus status = Varint.TryRead(input, out ulong length, out int prefix);
        if (status == VarintStatus.NeedMore && input.Length < 2) return false;
        if (status != VarintStatus.Done || length is 0 or > MaxSize) throw Violation(step, "A multistream line has no allowed length.");
        if (input.Length - prefix < (int)length) return false;
        ReadOnlySpan<byte> line = input.Slice(prefix, (int)length);
        if (line[^1] != '\n') throw Violation(step, "A multistream line does not end in a newline.");
        text = Encoding.UTF8.GetString(line[..^1]);
        size = prefix + (int)length;
        return true;
    }

    internal static void ThrowIfNotProtocol(string protocol)
    {
        ArgumentException.ThrowIfNullOrEmpty(protocol);
        if (protocol[0] != '/' || protocol.Contains('\n') || Encoding.UTF8.GetByteCount(protocol) >= MaxSize)
            throw new ArgumentException($"'{protocol}' is not a protocol id: it must begin with a slash, hold no line break and have less than {MaxSize} bytes.", nameof(protocol));
    }

    internal static ConnectionException Violation(ConnectionStep step, string message) => new(ConnectionError.ProtocolViolation, step, Fault.Peer, message);
}
