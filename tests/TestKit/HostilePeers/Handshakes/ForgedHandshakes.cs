using System.Security.Cryptography;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.TestKit.HostilePeers.Handshakes;

/// <summary>A handshake that leaves the honest path somewhere, by a script; then the line is half-closed and the host's end awaited.</summary>
public abstract class ScriptedHandshake : Misbehaviour
{
    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        using var peer = new HostilePeer();
        await using SealedLine line = await peer.SecureAsync(target, Next(peer.Identity), cancellationToken);
        stage.Reached();
        await AfterAsync(line, cancellationToken);
        // A length that was forged upwards would be waited for until the deadline.
        await line.Raw.CompleteAsync();
        await line.Raw.ReadToEndAsync(cancellationToken);
    }

    /// <summary>The script of the next round.</summary>
    protected abstract HandshakeScript Next(PeerIdentity identity);

    /// <summary>What is sent behind the handshake.</summary>
    protected virtual Task AfterAsync(SealedLine line, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Changes one byte of the first or the third handshake message, the next byte in each round.</summary>
/// <param name="message">1 or 3.</param>
public sealed class ForgedHandshake(int message) : ScriptedHandshake
{
    private int _offset = -1;

    /// <inheritdoc/>
    public override string Name => $"{base.Name}{message}";

    /// <inheritdoc/>
    public override string Does => $"changes one byte of handshake message {message}, the next one each time";

    /// <summary>Bytes of the message with its length, known after the first round.</summary>
    public int Size { get; private set; }

    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        if (message != 1)
        {
            await base.RunOnceAsync(target, stage, cancellationToken);
            return;
        }

        // A host that was told of a longer message waits for it: so the third is sent without waiting for an answer.
        using var peer = new HostilePeer();
        await using RawLine line = await target.DialAsync(cancellationToken);
        using HandNoise noise = await peer.GreetAsync(line, Next(peer.Identity), cancellationToken);
        stage.Reached();
        await line.SendAsync(HandNoise.Frame(new byte[200]), cancellationToken);
        await line.CompleteAsync();
        await line.ReadToEndAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override HandshakeScript Next(PeerIdentity identity) =>
        message == 1 ? HandshakeScript.Honest with { First = Forge } : HandshakeScript.Honest with { Third = Forge };

    private byte[] Forge(byte[] frame)
    {
        Size = frame.Length;
        frame[Interlocked.Increment(ref _offset) % frame.Length] ^= 0x01;
        return frame;
    }
}

/// <summary>Offers an ephemeral key of small order, with which every secret is zero.</summary>
public sealed class SmallOrderKey : ScriptedHandshake
{
    // The points of small order on Curve25519 with their common encodings: RFC 7748, section 6.1, and the list in its discussion at cr.yp.to/ecdh.html.
    private static readonly string[] s_points =
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];

    private int _next = -1;

    /// <summary>How many points there are; each round uses the next.</summary>
    public static int PointCount => s_points.Length;

    /// <inheritdoc/>
    public override string Does => "offers an ephemeral key of small order, with which the secret is known to all";

    /// <inheritdoc/>
    protected override HandshakeScript Next(PeerIdentity identity) => HandshakeScript.Honest with
    {
        First = frame => [.. frame.AsSpan(0, 2), .. Convert.FromHexString(s_points[Interlocked.Increment(ref _next) % s_points.Length])],
    };
}

/// <summary>Announces the largest handshake message there can be.</summary>
public sealed class OversizeHandshake : ScriptedHandshake
{
    /// <inheritdoc/>
    public override string Does => "announces a first handshake message of 65,535 bytes";

    /// <inheritdoc/>
    protected override HandshakeScript Next(PeerIdentity identity) => HandshakeScript.Honest with { First = static frame => [0xFF, 0xFF, .. frame.AsSpan(2)] };
}

/// <summary>Names another peer's identity key and signs with its own.</summary>
public sealed class ClaimedIdentity(PeerPublicKey claimed) : ScriptedHandshake
{
    /// <inheritdoc/>
    public override string Does => "names another peer's identity key and signs with its own";

    /// <inheritdoc/>
    protected override HandshakeScript Next(PeerIdentity identity) => HandshakeScript.Honest with
    {
        Payload = (own, staticKey) =>
        {
            byte[] signature = new byte[64];
            own.Sign([.. "noise-libp2p-static-key:"u8, .. staticKey.Span], signature);
            return HandshakeScript.Payload3(claimed.Encoded.Span, signature, ["/yamux/1.0.0"]);
        },
    };
}

/// <summary>Repeats an identity key and signature that were seen in another handshake, over another static key.</summary>
public sealed class ReplayedIdentity : ScriptedHandshake
{
    /// <inheritdoc/>
    public override string Does => "repeats the signed payload of another handshake";

    /// <inheritdoc/>
    protected override HandshakeScript Next(PeerIdentity identity) => HandshakeScript.Honest with
    {
        Payload = static (own, _) =>
        {
            using var other = new HandNoise();
            return HandshakeScript.SignedPayload(own, other.StaticKey, "/yamux/1.0.0");
        },
    };
}

/// <summary>Names RSA identity keys that are costly to check: 16,384 bits, 8,256 bits, and an exponent as long as the modulus.</summary>
public sealed class HugeRsaIdentity : ScriptedHandshake
{
    private static readonly byte[][] s_keys = [Key(16384, 3), Key(8256, 3), Key(8192, 1024), Key(3072, 384)];

    private int _next = -1;

    /// <summary>How many keys there are; each round uses the next.</summary>
    public static int KeyCount => s_keys.Length;

    /// <inheritdoc/>
    public override string Does => "names an RSA identity key of up to 16,384 bits, or with an exponent as long as the modulus";

    /// <inheritdoc/>
    protected override HandshakeScript Next(PeerIdentity identity)
    {
        byte[] key = s_keys[Interlocked.Increment(ref _next) % s_keys.Length];
        return HandshakeScript.Honest with { Payload = (_, _) => HandshakeScript.Payload3(key, new byte[key.Length], ["/yamux/1.0.0"]) };
    }

    // A modulus need not be the product of anything for its size to be a burden.
    private static byte[] Key(int modulusBits, int exponentSize)
    {
        byte[] modulus = new byte[modulusBits / 8], exponent = new byte[exponentSize];
        new Random(1).NextBytes(modulus);
        new Random(2).NextBytes(exponent);
        modulus[0] |= 0x80;
        exponent[0] = 0x01;
        modulus[^1] |= 1;
        exponent[^1] |= 1;
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.113549.1.1.1");
                writer.WriteNull();
            }

            var inner = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
            using (inner.PushSequence())
            {
                inner.WriteIntegerUnsigned(modulus);
                inner.WriteIntegerUnsigned(exponent);
            }

            writer.WriteBitString(inner.Encode());
        }

        return [0x08, 0x00, .. HandProtobuf.Field(2, writer.Encode())];
    }
}

/// <summary>Payloads that a careless protobuf parser dies of.</summary>
public sealed class PayloadBomb : ScriptedHandshake
{
    private static readonly Func<byte[], byte[]>[] s_bombs =
    [
        static honest => [.. honest, .. HandProtobuf.OpenGroups(15, 3000)],
        static honest => [.. honest, .. HandProtobuf.Announce(1, int.MaxValue)],
        static honest => [.. honest, .. HandProtobuf.Announce(4, 0x7FFF_FFFF_FFFF_FFFF)],
        static honest => [.. honest, 0x78, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        static honest => [.. honest, 0x00],
        static honest => honest[..^1],
        static _ => [],
        static _ => RandomNumberGenerator.GetBytes(1000),
    ];

    private int _next = -1;

    /// <summary>How many bombs there are; each round uses the next.</summary>
    public static int BombCount => s_bombs.Length;

    /// <inheritdoc/>
    public override string Does => "sends handshake payloads with open groups, huge lengths, endless varints, cut and random bytes";

    /// <inheritdoc/>
    protected override HandshakeScript Next(PeerIdentity identity) => HandshakeScript.Honest with
    {
        Payload = (own, key) => s_bombs[Interlocked.Increment(ref _next) % s_bombs.Length](HandshakeScript.SignedPayload(own, key, "/yamux/1.0.0")),
    };
}

/// <summary>Lists of muxers that are too long, too wordy, or foreign.</summary>
public sealed class MuxerLists : ScriptedHandshake
{
    private static readonly string[][] s_lists =
    [
        [.. Enumerable.Range(0, 100).Select(static i => $"/mux/{i}")],
        [.. Enumerable.Repeat("/yamux/1.0.0", 100)],
        [new string('m', 2000)],
        ["/mplex/6.7.0"],
        [""],
    ];

    private int _next = -1;

    /// <summary>How many lists there are; each round uses the next.</summary>
    public static int ListCount => s_lists.Length;

    /// <inheritdoc/>
    public override string Does => "names 100 muxers, one of 2,000 characters, one that nobody speaks, or one without a name";

    /// <inheritdoc/>
    protected override HandshakeScript Next(PeerIdentity identity) => HandshakeScript.Honest with
    {
        Payload = (own, key) => HandshakeScript.SignedPayload(own, key, s_lists[Interlocked.Increment(ref _next) % s_lists.Length]),
    };
}

/// <summary>Names no muxer, so that one must be negotiated inside the channel, and floods that negotiation.</summary>
public sealed class MuxerNegotiationFlood : ScriptedHandshake
{
    /// <inheritdoc/>
    public override string Does => "names no muxer in the handshake and floods the negotiation of one with 'ls'";

    /// <inheritdoc/>
    protected override HandshakeScript Next(PeerIdentity identity) =>
        HandshakeScript.Honest with { Payload = static (own, key) => HandshakeScript.SignedPayload(own, key) };

    /// <inheritdoc/>
    protected override async Task AfterAsync(SealedLine line, CancellationToken cancellationToken)
    {
        await line.SendAsync(RawLine.Line(RawLine.MultistreamHeader), cancellationToken);
        await line.FloodAsync((byte[])[.. Enumerable.Range(0, 100).SelectMany(static _ => RawLine.Line("ls"))], cancellationToken);
    }
}
