using Overlay.Transport.Connections;

namespace Overlay.TestKit.HostilePeers;

/// <summary>One way to treat a host badly. Tests let it run against a host on their clock, the soak runner for minutes on the real one.</summary>
public abstract class Misbehaviour
{
    /// <summary>Its name.</summary>
    public virtual string Name => GetType().Name;

    /// <summary>What it does, in a few words.</summary>
    public abstract string Does { get; }

    /// <summary>Misbehaves once: until it is done, until the host ends it (a <see cref="ConnectionException"/> or a return), or until cancelled.</summary>
    public abstract Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken);

    /// <summary>Misbehaves again and again until cancelled.</summary>
    /// <param name="target">The host.</param>
    /// <param name="stage">The clock, and who is told how far this has come.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="rest">Between two rounds: one that is refused at once would otherwise do nothing but dial.</param>
    public async Task RunAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken, TimeSpan rest = default)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await RunOnceAsync(target, stage, cancellationToken);
            }
            catch (ConnectionException)
            {
                // Cut off, or not let in: on to the next round.
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            stage.Reached();
            stage.EndRound();
            await Task.Yield();
            if (rest > TimeSpan.Zero) await stage.PauseAsync(rest, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

/// <summary>A misbehaviour on one connection whose handshake and muxer are honest, and whose frames from the host are read politely meanwhile.</summary>
public abstract class MuxedMisbehaviour : Misbehaviour
{
    /// <summary>Whether frames are read at all.</summary>
    protected virtual bool Reads => true;

    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        using var peer = new HostilePeer();
        await using HandMuxer muxer = await peer.MuxAsync(target, cancellationToken);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Prepare(peer, muxer);
        Task reading = Reads ? muxer.ReadPolitelyAsync(over.Token) : Task.CompletedTask;
        try
        {
            await MisbehaveAsync(muxer, stage, cancellationToken);
            stage.Reached();
            // Done with it: see what the host makes of it.
            if (Reads) await reading.WaitAsync(cancellationToken);
        }
        finally
        {
            await over.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Sets up what is to happen to frames that the host sends.</summary>
    protected virtual void Prepare(HostilePeer peer, HandMuxer muxer)
    {
    }

    /// <summary>Sends what is bad. A return leaves the connection open until the host ends it or the run is over.</summary>
    protected abstract Task MisbehaveAsync(HandMuxer muxer, Stage stage, CancellationToken cancellationToken);
}
