using Microsoft.Extensions.Hosting;

namespace Overlay.Hosting;

/// <summary>Starts the node with the host and disposes it, last receipts included, when the host stops.</summary>
internal sealed class OverlayHostedService(OverlayNodeHolder holder) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => holder.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => holder.StopAsync();
}
