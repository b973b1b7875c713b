namespace Overlay.Benchmarks.Transport;

/// <summary>Something that carries bytes one way between two ends on loopback: a baseline, or Overlay itself. Setting it up is not measured.</summary>
internal abstract class ThroughputSubject
{
    /// <summary>The row's name.</summary>
    internal abstract string Name { get; }

    /// <summary>Connects the two ends.</summary>
    internal abstract Task<ConnectedEnds> ConnectAsync();
}

/// <summary>Two connected ends in this process.</summary>
/// <param name="Sender">Takes what is sent.</param>
/// <param name="Receiver">Gives what has come.</param>
/// <param name="Owned">What else has to be disposed, after both ends.</param>
internal sealed record ConnectedEnds(Stream Sender, Stream Receiver, params IAsyncDisposable[] Owned) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await Sender.DisposeAsync();
        await Receiver.DisposeAsync();
        foreach (IAsyncDisposable owned in Owned) await owned.DisposeAsync();
    }
}
