using Overlay.Transport.Connections;

namespace Overlay.TestKit.HostilePeers.Handshakes;

/// <summary>Many connections that stop at some point of the handshake and stay.</summary>
/// <param name="count">How many.</param>
/// <param name="pause">How long after the host has ended one it is replaced; null for a second.</param>
public abstract class StalledHandshakes(int count, TimeSpan? pause) : Misbehaviour
{
    private readonly TimeSpan _pause = pause ?? TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        int left = count;
        await Task.WhenAll(Enumerable.Range(0, count).Select(async _ =>
        {
            bool first = true;
            while (true)
            {
                try
                {
                    await using RawLine line = await target.DialAsync(cancellationToken);
                    await BeginAsync(line, cancellationToken);
                    if (first && Interlocked.Decrement(ref left) == 0) stage.Reached();
                    first = false;
                    await line.ReadToEndAsync(cancellationToken);
                }
                catch (ConnectionException)
                {
                    if (first && Interlocked.Decrement(ref left) == 0) stage.Reached();
                    first = false;
                }

                stage.EndRound();
                await stage.PauseAsync(_pause, cancellationToken);
            }
        }));
    }

    /// <summary>Says what is said before the silence.</summary>
    protected abstract Task BeginAsync(RawLine line, CancellationToken cancellationToken);
}

/// <summary>Opens connections by the thousand and says nothing on them.</summary>
public sealed class SilentSockets(int count = 1000, TimeSpan? pause = null) : StalledHandshakes(count, pause)
{
    /// <inheritdoc/>
    public override string Does => "opens connections by the thousand and says nothing on them";

    /// <inheritdoc/>
    protected override Task BeginAsync(RawLine line, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Begins handshakes by the thousand, makes the host answer and never sends the third message.</summary>
public sealed class HalfHandshakes(int count = 1000, TimeSpan? pause = null) : StalledHandshakes(count, pause)
{
    /// <inheritdoc/>
    public override string Does => "sends the first handshake message by the thousand and never the third";

    /// <inheritdoc/>
    protected override async Task BeginAsync(RawLine line, CancellationToken cancellationToken)
    {
        using var peer = new HostilePeer();
        using HandNoise noise = await peer.GreetAsync(line, HandshakeScript.Honest, cancellationToken);
        // The host's answer, or its refusal.
        await line.TryReadAsync(new byte[1], cancellationToken);
    }
}

/// <summary>Speaks the handshake at one byte a second.</summary>
public sealed class TrickledHandshake : Misbehaviour
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public override string Does => "sends its first words at one byte a second";

    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        await using RawLine line = await target.DialAsync(cancellationToken);
        using var noise = new HandNoise();
        byte[] words = [.. RawLine.Proposal("/noise"), .. HandNoise.Frame(noise.WriteFirst())];
        for (int i = 0; i < words.Length; i++)
        {
            await line.SendAsync(words.AsMemory(i, 1), cancellationToken);
            stage.Reached();
            await stage.PauseAsync(s_pause, cancellationToken);
        }

        await line.ReadToEndAsync(cancellationToken);
    }
}

/// <summary>Connects, goes through the whole handshake, and leaves at once.</summary>
public sealed class ConnectionChurn : Misbehaviour
{
    /// <inheritdoc/>
    public override string Does => "connects with a new identity, finishes the handshake and leaves at once, again and again";

    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        using var peer = new HostilePeer();
        await using HandMuxer muxer = await peer.MuxAsync(target, cancellationToken);
        muxer.Line.Raw.Abort();
    }
}

/// <summary>Connects from many sockets at once with one and the same identity, and keeps them all.</summary>
public sealed class OneIdentityManyConnections(int count = 64) : Misbehaviour
{
    /// <inheritdoc/>
    public override string Does => "dials with one identity from many sockets at once and keeps them all";

    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        using var peer = new HostilePeer();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        int left = count;
        Task[] all = [.. Enumerable.Range(0, count).Select(_ => HoldOneAsync())];
        await Task.WhenAll(all);

        async Task HoldOneAsync()
        {
            try
            {
                await using HandMuxer muxer = await peer.MuxAsync(target, over.Token);
                // A host that keeps it asks something sooner or later; one that does not ends it.
                await muxer.ReadAsync(over.Token);
                if (Interlocked.Decrement(ref left) == 0) stage.Reached();
                await muxer.ReadPolitelyAsync(over.Token);
            }
            catch (ConnectionException)
            {
                if (Interlocked.Decrement(ref left) == 0) stage.Reached();
            }
        }
    }
}

/// <summary>Connects with ever new identities, behaves on every connection and keeps them all, to leave the host no room for others.</summary>
public sealed class IdleConnections(int count = 300) : Misbehaviour
{
    /// <inheritdoc/>
    public override string Does => "connects with many identities, behaves and keeps all connections";

    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        int left = count;
        await Task.WhenAll(Enumerable.Range(0, count).Select(async _ =>
        {
            using var peer = new HostilePeer();
            try
            {
                await using HandMuxer muxer = await peer.MuxAsync(target, cancellationToken);
                await muxer.ReadAsync(cancellationToken);
                if (Interlocked.Decrement(ref left) == 0) stage.Reached();
                await muxer.ReadPolitelyAsync(cancellationToken);
            }
            catch (ConnectionException)
            {
                if (Interlocked.Decrement(ref left) == 0) stage.Reached();
            }
        }));
        await stage.PauseAsync(TimeSpan.FromSeconds(1), cancellationToken);
    }
}
