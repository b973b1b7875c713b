namespace Overlay.TestKit.HostilePeers.Muxing;

/// <summary>Sends a few frames that the specification does not allow.</summary>
/// <param name="name">The misbehaviour's name.</param>
/// <param name="does">What the frames say.</param>
/// <param name="frames">The frames' bytes.</param>
public sealed class ForgedFrames(string name, string does, params byte[][] frames) : MuxedMisbehaviour
{
    private static readonly byte[] s_open = new HandFrame(HandFrame.WindowUpdate, HandFrame.Syn, 1, 0).Encode();
    private static readonly byte[] s_proposal = RawLine.Proposal(HonestPeer.Sink);

    /// <summary>Announces 4 GiB on a new stream.</summary>
    public static ForgedFrames OversizeFrame => new(nameof(OversizeFrame), "announces a data frame of 4 GiB", new HandFrame(HandFrame.Data, HandFrame.Syn, 1, uint.MaxValue).Encode());

    /// <summary>Announces, on the frame that opens a stream, one byte more than a new stream's window.</summary>
    public static ForgedFrames OversizeOpening => new(
        nameof(OversizeOpening), "opens a stream with one byte more than its window", new HandFrame(HandFrame.Data, HandFrame.Syn, 1, HandFrame.InitialWindow + 1).Encode());

    /// <summary>Fills a stream's window and sends one byte more than that.</summary>
    /// <remarks>The host may have read the proposal before it acknowledges the stream, and then the acknowledgement gives credit for it: that is filled, too.</remarks>
    public static ForgedFrames OverWindow => new(
        nameof(OverWindow), "fills a stream's window, with what it may get back for the proposal, and sends one byte more", s_open,
        HandFrame.OfData(1, [.. s_proposal, .. new byte[HandFrame.InitialWindow - s_proposal.Length]]), HandFrame.OfData(1, new byte[s_proposal.Length + 1]));

    /// <summary>Grants windows until they pass 2^32 - 1.</summary>
    public static ForgedFrames WindowOverflow => new(
        nameof(WindowOverflow), "grants a window that passes 2^32 - 1 bytes", s_open, new HandFrame(HandFrame.WindowUpdate, 0, 1, uint.MaxValue).Encode());

    /// <summary>Grants an overflowing window with the frame that opens the stream.</summary>
    public static ForgedFrames WindowOverflowAtOpening => new(
        nameof(WindowOverflowAtOpening), "opens a stream with a window that passes 2^32 - 1 bytes", new HandFrame(HandFrame.WindowUpdate, HandFrame.Syn, 1, uint.MaxValue).Encode());

    /// <summary>An unknown version.</summary>
    public static ForgedFrames UnknownVersion => new(nameof(UnknownVersion), "sends a frame of version 1", new HandFrame(HandFrame.Ping, HandFrame.Syn, 0, 0, Version: 1).Encode());

    /// <summary>An unknown type.</summary>
    public static ForgedFrames UnknownType => new(nameof(UnknownType), "sends a frame of type 4", new HandFrame(4, 0, 0, 0).Encode());

    /// <summary>Unknown flags beside a known one, which others ignore.</summary>
    public static ForgedFrames UnknownFlags => new(nameof(UnknownFlags), "sends a ping with twelve unknown flags", new HandFrame(HandFrame.Ping, 0xFFF0 | HandFrame.Syn, 0, 77).Encode());

    /// <summary>Opens the session's own id 0.</summary>
    public static ForgedFrames StreamZero => new(nameof(StreamZero), "opens stream 0", new HandFrame(HandFrame.Data, HandFrame.Syn, 0, 0).Encode());

    /// <summary>Opens an id that is the host's to use.</summary>
    public static ForgedFrames WrongParity => new(nameof(WrongParity), "opens a stream of the host's parity", new HandFrame(HandFrame.WindowUpdate, HandFrame.Syn, 1000, 0).Encode());

    /// <summary>Opens an id a second time.</summary>
    public static ForgedFrames ReusedId => new(nameof(ReusedId), "opens a stream's id a second time", s_open, s_open);

    /// <summary>Opens a lower id behind a higher one.</summary>
    public static ForgedFrames DecreasingId => new(
        nameof(DecreasingId), "opens stream 1 behind stream 9", new HandFrame(HandFrame.WindowUpdate, HandFrame.Syn, 9, 0).Encode(), s_open);

    /// <summary>Sends on a stream that nobody opened.</summary>
    public static ForgedFrames NeverOpened => new(nameof(NeverOpened), "sends on a stream that nobody opened", HandFrame.OfData(5, new byte[1]));

    /// <summary>Uses the last id there is, so that no more can follow.</summary>
    public static ForgedFrames LastId => new(
        nameof(LastId), "opens the last id, and then one behind it", new HandFrame(HandFrame.WindowUpdate, HandFrame.Syn, uint.MaxValue, 0).Encode(), s_open);

    /// <summary>Answers pings that were not sent.</summary>
    public static ForgedFrames UnsolicitedPong => new(nameof(UnsolicitedPong), "answers a ping that was not sent", new HandFrame(HandFrame.Ping, HandFrame.Ack, 0, 0xDEAD_BEEF).Encode());

    /// <summary>Sends data behind FIN.</summary>
    public static ForgedFrames DataBehindFin => new(
        nameof(DataBehindFin), "sends data behind its FIN", s_open, HandFrame.OfData(1, s_proposal),
        new HandFrame(HandFrame.WindowUpdate, HandFrame.Fin, 1, 0).Encode(), HandFrame.OfData(1, new byte[1]));

    /// <summary>Says FIN twice, then resets what it has ended.</summary>
    public static ForgedFrames FinTwiceThenReset => new(
        nameof(FinTwiceThenReset), "says FIN twice and resets the stream behind them", s_open, HandFrame.OfData(1, s_proposal),
        new HandFrame(HandFrame.WindowUpdate, HandFrame.Fin, 1, 0).Encode(), new HandFrame(HandFrame.WindowUpdate, HandFrame.Fin, 1, 0).Encode(),
        new HandFrame(HandFrame.WindowUpdate, HandFrame.Rst, 1, 0).Encode());

    /// <summary>Says goodbye with a code that nobody knows.</summary>
    public static ForgedFrames UnknownGoAway => new(nameof(UnknownGoAway), "says GoAway with an unknown code", new HandFrame(HandFrame.GoAway, 0, 0, 0xFFFF).Encode());

    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override string Does => does;

    /// <summary>All frames, one behind the other.</summary>
    public ReadOnlyMemory<byte> Bytes { get; } = (byte[])[.. frames.SelectMany(static frame => frame)];

    /// <inheritdoc/>
    protected override Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken) => muxer.SendAsync(Bytes, cancellationToken);
}
