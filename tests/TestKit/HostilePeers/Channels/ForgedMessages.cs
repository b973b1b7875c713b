using Overlay.Transport.Connections;

namespace Overlay.TestKit.HostilePeers.Channels;

/// <summary>Bytes on an encrypted channel whose handshake was honest; then the line is half-closed and the host's end awaited.</summary>
public abstract class ChannelMisbehaviour : Misbehaviour
{
    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        using var peer = new HostilePeer();
        await using SealedLine line = await peer.SecureAsync(target, HandshakeScript.Honest, cancellationToken);
        try
        {
            await MisbehaveAsync(line, cancellationToken);
            await line.Raw.CompleteAsync();
        }
        catch (ConnectionException)
        {
            // It has had enough.
        }

        stage.Reached();
        await line.Raw.ReadToEndAsync(cancellationToken);
    }

    /// <summary>A frame that every host takes: a ping.</summary>
    protected static byte[] Ping(uint nonce = 7) => new HandFrame(HandFrame.Ping, HandFrame.Syn, 0, nonce).Encode();

    /// <summary>Sends what is bad.</summary>
    protected abstract Task MisbehaveAsync(SealedLine line, CancellationToken cancellationToken);
}

/// <summary>Changes one byte of a sealed message or of its length, the next byte in each round.</summary>
public sealed class ForgedMessage : ChannelMisbehaviour
{
    /// <summary>Bytes of the message with its length and tag.</summary>
    public const int Size = 2 + HandFrame.HeaderSize + 16;

    private int _offset = -1;

    /// <inheritdoc/>
    public override string Does => "changes one byte of a sealed message, the next one each time";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(SealedLine line, CancellationToken cancellationToken)
    {
        byte[] frame = line.Seal(Ping());
        frame[Interlocked.Increment(ref _offset) % frame.Length] ^= 0x01;
        await line.Raw.SendAsync(frame, cancellationToken);
    }
}

/// <summary>Sends a sealed message a second time.</summary>
public sealed class ReplayedMessage : ChannelMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "sends a sealed message a second time";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(SealedLine line, CancellationToken cancellationToken)
    {
        byte[] frame = line.Seal(Ping());
        await line.Raw.SendAsync(frame, cancellationToken);
        await line.Raw.SendAsync(frame, cancellationToken);
    }
}

/// <summary>Sends two sealed messages in the wrong order.</summary>
public sealed class ReorderedMessages : ChannelMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "sends two sealed messages in the wrong order";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(SealedLine line, CancellationToken cancellationToken)
    {
        byte[] first = line.Seal(Ping(1)), second = line.Seal(Ping(2));
        await line.Raw.SendAsync(second, cancellationToken);
        await line.Raw.SendAsync(first, cancellationToken);
    }
}

/// <summary>Seals with a counter of its own choice: used before, far ahead, or the last there is.</summary>
/// <param name="nonce">The counter.</param>
public sealed class ForgedNonce(ulong nonce) : ChannelMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => $"seals a message with the counter {nonce}";

    /// <inheritdoc/>
    protected override async Task MisbehaveAsync(SealedLine line, CancellationToken cancellationToken)
    {
        await line.SendAsync(Ping(), cancellationToken);
        line.SendNonce = nonce;
        await line.SendAsync(Ping(), cancellationToken);
    }
}

/// <summary>Sends sealed messages without content, without end.</summary>
public sealed class EmptyMessageFlood : ChannelMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "sends sealed messages without content, without end";

    /// <inheritdoc/>
    protected override Task MisbehaveAsync(SealedLine line, CancellationToken cancellationToken) => line.FloodAsync(ReadOnlyMemory<byte>.Empty, cancellationToken);
}

/// <summary>Sends a message that is shorter than a tag.</summary>
/// <param name="size">Bytes behind the length, 0 to 15.</param>
public sealed class ShortMessage(int size) : ChannelMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => $"sends a message of {size} bytes, fewer than a tag has";

    /// <inheritdoc/>
    protected override Task MisbehaveAsync(SealedLine line, CancellationToken cancellationToken) =>
        line.Raw.SendAsync(HandNoise.Frame(new byte[size]), cancellationToken).AsTask();
}

/// <summary>Announces the longest message and ends in the middle of it.</summary>
public sealed class CutMessage : ChannelMisbehaviour
{
    /// <inheritdoc/>
    public override string Does => "announces a message of 65,535 bytes and ends in the middle of it";

    /// <inheritdoc/>
    protected override Task MisbehaveAsync(SealedLine line, CancellationToken cancellationToken) =>
        line.Raw.SendAsync((byte[])[0xFF, 0xFF, .. new byte[1000]], cancellationToken).AsTask();
}
