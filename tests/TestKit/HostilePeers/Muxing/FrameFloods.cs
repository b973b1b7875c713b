namespace Overlay.TestKit.HostilePeers.Muxing;

/// <summary>Sends one kind of frame as fast as the line takes it, until the host ends the connection.</summary>
public abstract class FrameFlood : MuxedMisbehaviour
{
    private const int BatchCount = 1000;

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        await BeginAsync(muxer, cancellationToken);
        while (true)
        {
            await muxer.SendAsync(HandFrame.Many(BatchCount, _ => Next(muxer)), cancellationToken);
            stage.Reached();
        }
    }

    /// <summary>What comes before the flood.</summary>
    protected virtual Task BeginAsync(HandMuxer muxer, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The next frame.</summary>
    protected abstract HandFrame Next(HandMuxer muxer);
}

/// <summary>Sends pings without end.</summary>
/// <param name="reads">Whether the answers are read. If not, they pile up at the host.</param>
public sealed class PingFlood(bool reads) : FrameFlood
{
    private uint _nonce;

    /// <inheritdoc/>
    public override string Name => reads ? "PingFlood" : "UnreadPingFlood";

    /// <inheritdoc/>
    public override string Does => reads ? "sends pings without end and reads the answers" : "sends pings without end and reads no answer";

    /// <inheritdoc/>
    protected override bool Reads => reads;

    /// <inheritdoc/>
    protected override HandFrame Next(HandMuxer muxer) => new(HandFrame.Ping, HandFrame.Syn, 0, _nonce++);
}

/// <summary>Opens streams and resets them at once, without end: the twin of HTTP/2's rapid reset.</summary>
public sealed class RapidReset : FrameFlood
{
    private bool _isOpen;
    private uint _id;

    /// <inheritdoc/>
    public override string Does => "opens streams and resets them at once, without end";

    /// <inheritdoc/>
    protected override HandFrame Next(HandMuxer muxer)
    {
        _isOpen = !_isOpen;
        if (_isOpen) _id = muxer.NextId();
        return new HandFrame(HandFrame.WindowUpdate, _isOpen ? HandFrame.Syn : HandFrame.Rst, _id, 0);
    }
}

/// <summary>Opens streams without end and says nothing on them.</summary>
/// <param name="reads">Whether the host's refusals are read. If not, they pile up at the host.</param>
public sealed class StreamFlood(bool reads) : FrameFlood
{
    /// <inheritdoc/>
    public override string Name => reads ? "StreamFlood" : "UnreadStreamFlood";

    /// <inheritdoc/>
    public override string Does => reads ? "opens streams without end and says nothing on them" : "opens streams without end and reads no refusal";

    /// <inheritdoc/>
    protected override bool Reads => reads;

    /// <inheritdoc/>
    protected override HandFrame Next(HandMuxer muxer) => new(HandFrame.WindowUpdate, HandFrame.Syn, muxer.NextId(), 0);
}

/// <summary>Grants nothing, without end.</summary>
public sealed class EmptyUpdateFlood : FrameFlood
{
    private uint _id;

    /// <inheritdoc/>
    public override string Does => "sends window updates of 0 bytes without end";

    /// <inheritdoc/>
    protected override async Task BeginAsync(HandMuxer muxer, CancellationToken cancellationToken) => _id = await muxer.OpenAsync(HonestPeer.Sink, cancellationToken);

    /// <inheritdoc/>
    protected override HandFrame Next(HandMuxer muxer) => new(HandFrame.WindowUpdate, 0, _id, 0);
}

/// <summary>Sends data frames without data, without end.</summary>
public sealed class EmptyDataFlood : FrameFlood
{
    private uint _id;

    /// <inheritdoc/>
    public override string Does => "sends data frames of 0 bytes without end";

    /// <inheritdoc/>
    protected override async Task BeginAsync(HandMuxer muxer, CancellationToken cancellationToken) => _id = await muxer.OpenAsync(HonestPeer.Sink, cancellationToken);

    /// <inheritdoc/>
    protected override HandFrame Next(HandMuxer muxer) => new(HandFrame.Data, 0, _id, 0);
}

/// <summary>Sends frames for a stream that it has reset long ago, without end.</summary>
public sealed class StrayFrameFlood : FrameFlood
{
    private uint _id;

    /// <inheritdoc/>
    public override string Does => "sends frames for a stream that is over, without end";

    /// <inheritdoc/>
    protected override Task BeginAsync(HandMuxer muxer, CancellationToken cancellationToken)
    {
        _id = muxer.NextId();
        return muxer.SendAsync(new HandFrame(HandFrame.WindowUpdate, HandFrame.Syn | HandFrame.Rst, _id, 0), cancellationToken);
    }

    /// <inheritdoc/>
    protected override HandFrame Next(HandMuxer muxer) => new(HandFrame.WindowUpdate, 0, _id, 1);
}

/// <summary>Says goodbye without end, while a stream keeps the session alive.</summary>
public sealed class GoAwayFlood : FrameFlood
{
    /// <inheritdoc/>
    public override string Does => "says GoAway without end while a stream is open";

    /// <inheritdoc/>
    protected override Task BeginAsync(HandMuxer muxer, CancellationToken cancellationToken) => muxer.OpenAsync(HonestPeer.Sink, cancellationToken);

    /// <inheritdoc/>
    protected override HandFrame Next(HandMuxer muxer) => new(HandFrame.GoAway, 0, 0, 0);
}
