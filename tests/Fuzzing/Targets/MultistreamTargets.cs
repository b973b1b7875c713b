using System.Text;
using Overlay.Fuzzing.Engine;
using Overlay.Transport.Multistream;

namespace Overlay.Fuzzing.Targets;

/// <summary>Lines of multistream-select: each has one encoding, and where the bytes are cut makes no difference.</summary>
/// <remarks>Input: the size of the pieces, then the bytes.</remarks>
internal sealed class MultistreamLinesTarget : FuzzTarget
{
    internal override string Name => "multistream-lines";

    internal override IEnumerable<byte[]> Seeds => [[1, .. MultistreamSamples.Opening], [7, .. MultistreamLine.Encode(new string('x', 1023))], [3, .. MultistreamLine.Encode("é")]];

    internal override IReadOnlyList<byte[]> Words => MultistreamSamples.Words;

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        int size = parts.TakeByte();
        (List<string> whole, MultistreamViolation violation) = Read(parts.Rest, int.MaxValue, meter);
        (List<string> cut, MultistreamViolation sameViolation) = Read(parts.Rest, size, new AllocationMeter());
        Invariant.Holds(whole.SequenceEqual(cut) && violation == sameViolation, "Where the bytes are cut makes no difference.");
        return violation == MultistreamViolation.None && whole.Count > 0;
    }

    private static (List<string> Lines, MultistreamViolation Violation) Read(ReadOnlySpan<byte> bytes, int pieceSize, AllocationMeter meter)
    {
        var reader = new MultistreamLineReader();
        var pieces = new Pieces(bytes, pieceSize);
        List<string> lines = [];
        int lineStart = 0;
        while (pieces.Receive())
        {
            while (true)
            {
                meter.Start();
                bool isLine = reader.TryRead(pieces.Arrived, out int consumed, out string line, out MultistreamViolation violation);
                meter.Stop();
                pieces.Consume(consumed);
                if (violation != MultistreamViolation.None) return (lines, violation);
                if (!isLine)
                {
                    Invariant.Holds(pieces.Arrived.IsEmpty, "A reader that needs more has taken all there was.");
                    break;
                }

                Invariant.Same(bytes[lineStart..pieces.Consumed], MultistreamLine.Encode(line), "A line has one encoding");
                lineStart = pieces.Consumed;
                lines.Add(line);
            }
        }

        return (lines, MultistreamViolation.None);
    }
}

/// <summary>The answers of a listener that this side has proposed to.</summary>
internal sealed class MultistreamDialerTarget : FuzzTarget
{
    internal override string Name => "multistream-dialer";

    internal override IEnumerable<byte[]> Seeds =>
    [
        [1, .. MultistreamSamples.Header, .. MultistreamLine.Encode(MultistreamSamples.First), 1, 2, 3],
        [9, .. MultistreamSamples.Header, .. MultistreamLine.Encode("na"), .. MultistreamLine.Encode(MultistreamSamples.Second)],
        [64, .. MultistreamSamples.Header, .. MultistreamLine.Encode("na"), .. MultistreamLine.Encode("na")],
    ];

    internal override IReadOnlyList<byte[]> Words => MultistreamSamples.Words;

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        int size = parts.TakeByte();
        NegotiationOutcome whole = Negotiate(parts.Rest, int.MaxValue, meter);
        Invariant.Same(whole, Negotiate(parts.Rest, size, new AllocationMeter()), "Where the bytes are cut makes no difference");
        Invariant.Holds(whole.Protocol is null or MultistreamSamples.First or MultistreamSamples.Second, "Only what was proposed is agreed on.");
        return whole.Protocol is not null;
    }

    private static NegotiationOutcome Negotiate(ReadOnlySpan<byte> bytes, int pieceSize, AllocationMeter meter)
    {
        var dialer = new MultistreamDialer(MultistreamSamples.First, MultistreamSamples.Second);
        NegotiationOutcome outcome = MultistreamSamples.Negotiate(bytes, pieceSize, dialer.Feed, meter);
        Invariant.Same(dialer.Proposal.Length + (outcome.Sent.Length / 2), dialer.SentSize, "What was sent is counted");
        Invariant.Same(outcome.Consumed, dialer.ReceivedSize, "What was received is counted");
        return outcome;
    }
}

/// <summary>The proposals of a dialer to this side.</summary>
internal sealed class MultistreamListenerTarget : FuzzTarget
{
    private static readonly string[] s_protocols = [MultistreamSamples.First, MultistreamSamples.Second];

    internal override string Name => "multistream-listener";

    // Each question is answered: a list with all protocols for the three bytes of "ls", up to the limit on proposals.
    internal override int FixedAllocation => 32 * 1024;

    internal override IEnumerable<byte[]> Seeds =>
    [
        [1, .. MultistreamSamples.Opening, 1, 2, 3],
        [5, .. MultistreamSamples.Header, .. MultistreamLine.Encode("ls"), .. MultistreamLine.Encode("/none/1"), .. MultistreamLine.Encode(MultistreamSamples.Second)],
    ];

    internal override IReadOnlyList<byte[]> Words => MultistreamSamples.Words;

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        int size = parts.TakeByte();
        NegotiationOutcome whole = Negotiate(parts.Rest, int.MaxValue, meter);
        Invariant.Same(whole, Negotiate(parts.Rest, size, new AllocationMeter()), "Where the bytes are cut makes no difference");
        Invariant.Holds(whole.Protocol is null || s_protocols.Contains(whole.Protocol), "Only what is spoken here is agreed on.");
        return whole.Protocol is not null;
    }

    private static NegotiationOutcome Negotiate(ReadOnlySpan<byte> bytes, int pieceSize, AllocationMeter meter)
    {
        var listener = new MultistreamListener(s_protocols.Contains, () => s_protocols);
        NegotiationOutcome outcome = MultistreamSamples.Negotiate(bytes, pieceSize, listener.Feed, meter);
        Invariant.Same(outcome.Sent.Length / 2, listener.SentSize, "What was sent is counted");
        Invariant.Same(outcome.Consumed, listener.ReceivedSize, "What was received is counted");
        return outcome;
    }
}

/// <summary>What came of a negotiation; the bytes sent are in hexadecimal.</summary>
internal sealed record NegotiationOutcome(MultistreamStatus Status, MultistreamViolation Violation, string? Protocol, int Consumed, string Sent);

internal static class MultistreamSamples
{
    internal const string First = "/overlay/session/1", Second = "/yamux/1.0.0";

    internal delegate MultistreamProgress Feed(ReadOnlySpan<byte> input);

    internal static byte[] Header { get; } = MultistreamLine.Encode(MultistreamLine.Header);

    internal static byte[] Opening { get; } = [.. Header, .. MultistreamLine.Encode(First)];

    internal static IReadOnlyList<byte[]> Words { get; } =
    [
        Header, MultistreamLine.Encode(First), MultistreamLine.Encode(Second), MultistreamLine.Encode("na"), MultistreamLine.Encode("ls"), Encoding.UTF8.GetBytes("/é\n"),
    ];

    internal static NegotiationOutcome Negotiate(ReadOnlySpan<byte> bytes, int pieceSize, Feed feed, AllocationMeter meter)
    {
        var pieces = new Pieces(bytes, pieceSize);
        var sent = new StringBuilder();
        MultistreamProgress progress = default;
        while (progress.Status == MultistreamStatus.NeedMore && pieces.Receive())
        {
            meter.Start();
            progress = feed(pieces.Arrived);
            meter.Stop();
            Invariant.Holds(progress.Consumed <= pieces.Arrived.Length, "No more is consumed than there was.");
            pieces.Consume(progress.Consumed);
            sent.Append(Convert.ToHexStringLower(progress.Reply.Span));
            if (progress.Status == MultistreamStatus.NeedMore) Invariant.Holds(pieces.Arrived.IsEmpty, "Who needs more has taken all there was.");
        }

        Invariant.Same(progress.Status == MultistreamStatus.Accepted, progress.Protocol is not null, "A protocol comes with an acceptance");
        Invariant.Same(progress.Status == MultistreamStatus.Violated, progress.Violation != MultistreamViolation.None, "A violation has a name");
        return new NegotiationOutcome(progress.Status, progress.Violation, progress.Protocol, pieces.Consumed, sent.ToString());
    }
}
