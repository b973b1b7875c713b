using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Overlay.TestKit.HostilePeers.Protocols;

/// <summary>Pushes identify messages without end, each with other addresses.</summary>
public sealed class PushFlood : MuxedMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "pushes identify messages without end, each with other protocols";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        while (true)
        {
            byte[] message = HandProtobuf.Prefixed([.. Enumerable.Range(0, 100).SelectMany(static _ => HandProtobuf.Field(3, RandomName()))]);
            uint id = muxer.NextId();
            byte[] push = HandFrame.OfData(id, [.. RawLine.Proposal("/ipfs/id/push/1.0.0"), .. message], HandFrame.Syn);
            byte[] fin = new HandFrame(HandFrame.WindowUpdate, HandFrame.Fin, id, 0).Encode();
            await muxer.SendAsync((byte[])[.. push, .. fin], cancellationToken);
            stage.Reached();
        }
    }

    private static byte[] RandomName() => [(byte)'/', .. Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)).Select(static c => (byte)c)];
}

/// <summary>Asks the perf protocol for 2^64 - 1 bytes on many streams and gives no credit to send them.</summary>
public sealed class PerfAbuse(int streamCount = 400) : MuxedMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => $"asks perf for 2^64 - 1 bytes on {streamCount} streams and never takes them";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        byte[] wanted = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(wanted, ulong.MaxValue);
        for (int i = 0; i < streamCount; i++)
        {
            uint id = await muxer.OpenAsync("/perf/1.0.0", cancellationToken, wanted);
            await muxer.SendAsync(new HandFrame(HandFrame.WindowUpdate, HandFrame.Fin, id, 0), cancellationToken);
        }
    }
}

/// <summary>Opens ping streams without end, sends less than a ping on each and waits.</summary>
public sealed class PingAbuse : MuxedMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "opens ping streams without end and sends 31 of a ping's 32 bytes on each";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        while (true)
        {
            for (int i = 0; i < 300; i++) await muxer.OpenAsync("/ipfs/ping/1.0.0", cancellationToken, new byte[31]);
            stage.Reached();
            await stage.PauseAsync(TimeSpan.FromSeconds(1), cancellationToken);
        }
    }
}

/// <summary>Sends pings on a ping stream as long as the host gives credit, and gives none for the echoes.</summary>
public sealed class UnreadEchoes : MuxedMisbehaviour
{
    private const int PieceSize = 32 * 1024;

    /// <inheritdoc/>
    public override string Does => "sends pings on a ping stream as long as it has credit and gives none for the echoes";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken)
    {
        using var credit = new SemaphoreSlim(HandFrame.InitialWindow / PieceSize - 1);
        uint granted = 0;
        muxer.FrameRead = (frame, _) =>
        {
            if (frame.Type != HandFrame.WindowUpdate || frame.StreamId != 1) return Task.CompletedTask;
            for (granted += frame.Length; granted >= PieceSize; granted -= PieceSize) credit.Release();
            return Task.CompletedTask;
        };
        uint id = await muxer.OpenAsync("/ipfs/ping/1.0.0", cancellationToken);
        stage.Reached();
        while (true)
        {
            await credit.WaitAsync(cancellationToken);
            await muxer.SendAsync(HandFrame.OfData(id, new byte[PieceSize]), cancellationToken);
        }
    }
}
