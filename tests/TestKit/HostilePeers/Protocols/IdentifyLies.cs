using Overlay.Transport.Identity;

namespace Overlay.TestKit.HostilePeers.Protocols;

/// <summary>Answers the host's identify question with bytes of its own choice.</summary>
/// <param name="name">The misbehaviour's name.</param>
/// <param name="does">What the answer holds.</param>
/// <param name="answer">Makes the answer, lengths included, from the liar's identity.</param>
public sealed class IdentifyLies(string name, string does, Func<PeerIdentity, byte[]> answer) : MuxedMisbehaviour
{
    private const int MaxFrame = 60_000;

    /// <summary>Names 10,000 addresses in messages of the allowed size.</summary>
    public static IdentifyLies ManyAddresses => new(nameof(ManyAddresses), "names 10,000 addresses in identify", static _ =>
        [.. Enumerable.Range(0, 20).SelectMany(static part => HandProtobuf.Prefixed([.. Enumerable.Range(0, 500).SelectMany(i => HandProtobuf.Field(2, Address(part * 500 + i)))]))]);

    /// <summary>Names 1,000 protocols.</summary>
    public static IdentifyLies ManyProtocols => new(nameof(ManyProtocols), "names 1,000 protocols in identify", static _ =>
        HandProtobuf.Prefixed([.. Enumerable.Range(0, 1000).SelectMany(static i => HandProtobuf.Field(3, [(byte)'/', (byte)(i >> 8), (byte)(i & 0x7F)]))]));

    /// <summary>Announces a message of 2^62 bytes.</summary>
    public static IdentifyLies OversizeMessage => new(nameof(OversizeMessage), "announces an identify message of 2^62 bytes", static _ => [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]);

    /// <summary>Begins a length that never ends.</summary>
    public static IdentifyLies EndlessLength => new(nameof(EndlessLength), "begins an identify message whose varint length never ends", static _ => [.. Enumerable.Repeat((byte)0x80, 64)]);

    /// <summary>Sends empty messages without end.</summary>
    public static IdentifyLies ManyMessages => new(nameof(ManyMessages), "sends 1,000 empty identify messages", static _ => new byte[1000]);

    /// <summary>Sends what is no protobuf.</summary>
    public static IdentifyLies Garbage => new(nameof(Garbage), "answers identify with open protobuf groups", static _ => HandProtobuf.Prefixed(HandProtobuf.OpenGroups(15, 4000)));

    /// <summary>Names another peer's key.</summary>
    public static IdentifyLies OthersKey => new(nameof(OthersKey), "names another peer's public key in identify", static _ =>
    {
        using var other = PeerIdentity.Generate();
        return HandProtobuf.Prefixed(HandProtobuf.Field(1, other.PublicKey.Encoded.Span));
    });

    /// <summary>Sends its own record with a signature that does not hold, beside an honest name.</summary>
    public static IdentifyLies ForgedRecord => new(nameof(ForgedRecord), "sends a signed peer record whose signature does not hold", static identity =>
    {
        byte[] record = SignedPeerRecord.Create(identity, [Multiaddr.Parse("/ip4/203.0.113.7/tcp/1")], 1);
        record[^1] ^= 1;
        return HandProtobuf.Prefixed([.. HandProtobuf.Field(6, "forger/1"u8), .. HandProtobuf.Field(8, record)]);
    });

    /// <summary>Sends a record that another peer has signed.</summary>
    public static IdentifyLies OthersRecord => new(nameof(OthersRecord), "sends another peer's signed peer record", static _ =>
    {
        using var other = PeerIdentity.Generate();
        byte[] record = SignedPeerRecord.Create(other, [Multiaddr.Parse("/ip4/203.0.113.7/tcp/1")], ulong.MaxValue);
        return HandProtobuf.Prefixed([.. HandProtobuf.Field(6, "thief/1"u8), .. HandProtobuf.Field(8, record)]);
    });

    /// <summary>Accepts the question and never answers.</summary>
    public static IdentifyLies NoAnswer => new(nameof(NoAnswer), "accepts the identify question and never answers", static _ => []);

    /// <inheritdoc/>
    public override string Name => "Identify" + name;

    /// <inheritdoc/>
    public override string Does => does;

    private static byte[] Address(int number) => Multiaddr.Parse($"/ip4/203.0.{number >> 8 & 0xFF}.{number & 0xFF}/tcp/{number % 60000 + 1}").Bytes.ToArray();

    /// <inheritdoc/>
    protected override void Prepare(HostilePeer peer, HandMuxer muxer)
    {
        muxer.FrameRead = async (frame, _) =>
        {
            // The only streams that the host opens are such questions; its proposal is known, so it need not be read.
            if (frame.Type > HandFrame.WindowUpdate || (frame.Flags & HandFrame.Syn) == 0) return;
            byte[] lie = [.. RawLine.Proposal("/ipfs/id/1.0.0"), .. answer(peer.Identity)];
            for (int at = 0; at < lie.Length; at += MaxFrame)
                await muxer.SendAsync(HandFrame.OfData(frame.StreamId, lie.AsSpan(at, Math.Min(MaxFrame, lie.Length - at))), CancellationToken.None);
            if (name != nameof(NoAnswer)) await muxer.SendAsync(new HandFrame(HandFrame.WindowUpdate, HandFrame.Fin, frame.StreamId, 0), CancellationToken.None);
        };
    }

    /// <inheritdoc/>
    protected override Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken) => Task.CompletedTask;
}
