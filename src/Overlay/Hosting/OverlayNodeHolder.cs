namespace Overlay.Hosting;

/// <summary>Keeps the host's one node between its start and its stop.</summary>
internal sealed class OverlayNodeHolder(OverlayOptions options, OverlayServices services)
{
    private OverlayNode? _node;

    internal OverlayNode Node =>
        _node ?? throw new InvalidOperationException("The overlay node starts with the host. Resolve OverlayNode once the host has started.");

    internal async Task StartAsync(CancellationToken cancellationToken) =>
        _node = await OverlayNode.StartAsync(options, services, cancellationToken).ConfigureAwait(false);

    internal async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _node, null) is { } node) await node.DisposeAsync().ConfigureAwait(false);
    }
}
