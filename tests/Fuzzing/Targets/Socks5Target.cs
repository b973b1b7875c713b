using System.Text;
using Overlay.Fuzzing.Engine;
using Overlay.Using;

namespace Overlay.Fuzzing.Targets;

/// <summary>A client's SOCKS5 handshake, with and without a password.</summary>
/// <remarks>Input: whether a password is asked for (bit 0 of the first byte), the size of the pieces, then what the client sends.</remarks>
internal sealed class Socks5Target : FuzzTarget
{
    private static readonly ProxyCredentials s_credentials = new("user", "secret");

    internal override string Name => "socks5";

    internal override int MaxSize => 1200;

    internal override IEnumerable<byte[]> Seeds =>
    [
        [0, 1, 5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 80, 1, 2, 3],
        [0, 3, 5, 2, 0, 2, 5, 1, 0, 3, 11, .. "example.com"u8, 1, 187],
        [0, 255, 5, 1, 0, 5, 1, 0, 4, .. new byte[15], 1, 0, 80],
        [1, 4, 5, 1, 2, 1, 4, .. "user"u8, 6, .. "secret"u8, 5, 1, 0, 3, 1, (byte)'a', 0, 1],
        [1, 4, 5, 1, 2, 1, 4, .. "user"u8, 5, .. "wrong"u8],
        [0, 8, 5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0],
        [0, 8, 4, 1, 0, 80, 127, 0, 0, 1],
    ];

    internal override IReadOnlyList<byte[]> Words { get; } = [[5, 1, 0], [5, 1, 2], [1, 4, .. "user"u8, 6, .. "secret"u8], [5, 1, 0, 3], [5, 1, 0, 1], [5, 1, 0, 4]];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        ProxyCredentials? credentials = (parts.TakeByte() & 1) == 0 ? null : s_credentials;
        int pieceSize = parts.TakeByte();
        Outcome whole = ShakeHands(parts.Rest, int.MaxValue, credentials, meter);
        Invariant.Same(whole, ShakeHands(parts.Rest, pieceSize, credentials, new AllocationMeter()), "Where the bytes are cut makes no difference");
        return whole.Action == Socks5Action.Connect;
    }

    private static Outcome ShakeHands(ReadOnlySpan<byte> bytes, int pieceSize, ProxyCredentials? credentials, AllocationMeter meter)
    {
        var handshake = new Socks5Handshake(credentials);
        var pieces = new Pieces(bytes, pieceSize);
        var replies = new StringBuilder();
        while (true)
        {
            meter.Start();
            Socks5Action action = handshake.Advance(pieces.Arrived, out int consumed);
            meter.Stop();
            Invariant.Holds(consumed <= pieces.Arrived.Length, "No more is consumed than there was.");
            if (action == Socks5Action.Read)
            {
                Invariant.Holds(consumed == 0 && pieces.Arrived.Length < Socks5Handshake.MaxMessageSize, "The largest message is known.");
                if (!pieces.Receive()) return new Outcome(action, "", 0, "", replies.ToString(), pieces.Consumed);
                continue;
            }

            pieces.Consume(consumed);
            if (action == Socks5Action.Connect)
            {
                Invariant.Holds(handshake.Host.Length is > 0 and <= 255 && handshake.Host.All(c => c is >= '!' and <= '~') && handshake.Port is > 0 and <= 65535, "A target has a host and a port.");
                Invariant.Holds(credentials is null || replies.ToString().Contains("0100", StringComparison.Ordinal), "Nobody connects without the password.");
                return new Outcome(action, handshake.Host, handshake.Port, handshake.Reason, replies.ToString(), pieces.Consumed);
            }

            replies.Append(Convert.ToHexStringLower(handshake.Reply.Span)).Append(' ');
            Invariant.Holds(handshake.Reply.Length <= 22, "A reply has an allowed size.");
            if (action != Socks5Action.Refuse) continue;
            Invariant.Holds(handshake.Reason.Length > 0, "A refusal has a reason.");
            // How much of a message that is refused was consumed depends on how much of it was there.
            return new Outcome(action, "", 0, handshake.Reason, replies.ToString(), 0);
        }
    }

    private sealed record Outcome(Socks5Action Action, string Host, int Port, string Reason, string Replies, int Consumed);
}
