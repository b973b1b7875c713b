namespace Overlay.TestKit.HostilePeers.Muxing;

/// <summary>Says goodbye and opens streams all the same.</summary>
public sealed class OpensBehindGoAway : MuxedMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "says GoAway and goes on opening streams";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        await muxer.SendAsync(new HandFrame(HandFrame.GoAway, 0, 0, 0), cancellationToken);
        while (true)
        {
            await muxer.OpenAsync(HonestPeer.Sink, cancellationToken);
            stage.Reached();
        }
    }
}

/// <summary>Opens streams, sends on each what makes the host give it up, and repeats: the resets are the host's, the work too.</summary>
public sealed class MakesTheHostReset : MuxedMisbehaviour
{
    private static readonly byte[] s_garbage = [.. RawLine.Line(RawLine.MultistreamHeader), 0xFF, 0xFF, 0xFF];

    /// <inheritdoc/>
    public override string Does => "opens streams whose negotiation the host must give up, without end";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        while (true)
        {
            var batch = new List<byte>();
            for (int i = 0; i < 100; i++) batch.AddRange(HandFrame.OfData(muxer.NextId(), s_garbage, HandFrame.Syn));
            await muxer.SendAsync(batch.ToArray(), cancellationToken);
            stage.Reached();
        }
    }
}

/// <summary>Proposes unknown protocols on one stream without end.</summary>
public sealed class StreamProposalFlood : MuxedMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "proposes unknown protocols on one stream without end, then on the next";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        byte[] proposals = [.. RawLine.Line(RawLine.MultistreamHeader), .. Enumerable.Range(0, 1000).SelectMany(static i => RawLine.Line($"/unknown/{i}"))];
        while (true)
        {
            await muxer.SendAsync(HandFrame.OfData(muxer.NextId(), proposals, HandFrame.Syn), cancellationToken);
            stage.Reached();
        }
    }
}

/// <summary>Has data echoed on many streams and never reads from the line again: everything the host has to say stays with the host.</summary>
public sealed class NeverReads : MuxedMisbehaviour
{
    private const int StreamCount = 32;

    /// <inheritdoc/>
    public override string Does => "asks for data on many streams and never reads from the line";

    /// <inheritdoc/>
    protected override bool Reads => false;

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        byte[] payload = new byte[HandFrame.InitialWindow - 1024];
        for (int i = 0; i < StreamCount; i++)
        {
            uint id = await muxer.OpenAsync(HonestPeer.Echo, cancellationToken);
            await muxer.SendAsync(new HandFrame(HandFrame.WindowUpdate, 0, id, 1 << 30), cancellationToken);
            await muxer.SendAsync(HandFrame.OfData(id, payload), cancellationToken);
        }

        stage.Reached();
        // Only the host can end this. A flow of small frames tells when it has.
        while (true)
        {
            await muxer.SendAsync(new HandFrame(HandFrame.WindowUpdate, 0, 1, 1), cancellationToken);
            await stage.PauseAsync(TimeSpan.FromSeconds(1), cancellationToken);
        }
    }
}

/// <summary>Writes one byte a frame and one frame a message.</summary>
public sealed class TricklingWriter : MuxedMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "writes one byte per frame and message to a handler that does not read";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        uint id = await muxer.OpenAsync(HonestPeer.Sink, cancellationToken);
        byte[] frame = HandFrame.OfData(id, new byte[1]);
        int credit = HandFrame.InitialWindow - RawLine.Proposal(HonestPeer.Sink).Length;
        for (int i = 0; i < credit; i++)
        {
            await muxer.SendAsync(frame, cancellationToken);
            if (i == 1000) stage.Reached();
        }
    }
}

/// <summary>Opens as many streams as it may and leaves a little unread data on each.</summary>
/// <param name="streamCount">How many.</param>
/// <param name="size">Bytes on each, at most a window less the negotiation.</param>
public sealed class UnreadStreams(int streamCount = 1000, int size = 1024) : MuxedMisbehaviour
{
    /// <inheritdoc/>
    public override string Name => $"{base.Name}{streamCount}x{size}";

    /// <inheritdoc/>
    public override string Does => $"leaves {size} unread bytes on each of {streamCount} streams";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        byte[] payload = new byte[size];
        for (int i = 0; i < streamCount; i++)
        {
            await muxer.OpenAsync(HonestPeer.Sink, cancellationToken, payload);
            // A pause, or the backlog of streams to accept would refuse some.
            if (i % 100 == 99) await Task.Yield();
        }
    }
}

/// <summary>Ends its direction of the line while streams are open, and never closes.</summary>
public sealed class SlowClose : MuxedMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "half-closes the line with streams open and never closes it";

    /// <inheritdoc/>
    protected override bool Reads => false;

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        await muxer.OpenAsync(HonestPeer.Sink, cancellationToken);
        await muxer.Line.Raw.CompleteAsync();
        stage.Reached();
        await muxer.Line.Raw.ReadToEndAsync(cancellationToken);
        await stage.PauseAsync(TimeSpan.FromMinutes(1), cancellationToken);
    }
}

/// <summary>Goes on as if alive but answers no ping and nothing else.</summary>
public sealed class PlaysDead : MuxedMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "answers no ping and says nothing more, with the line open";

    /// <inheritdoc/>
    protected override bool Reads => false;

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        while (await muxer.ReadAsync(cancellationToken) is not null) stage.Reached();
    }
}
