using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Overlay.Hosting;

/// <summary>Adds a node to a generic host.</summary>
public static class OverlayServiceCollectionExtensions
{
    /// <summary>Adds one node that starts and stops with the host. Resolve <see cref="OverlayNode"/> once the host has started.</summary>
    /// <param name="services">The host's services; their logging and metrics are used where they are there.</param>
    /// <param name="configure">From the default options to those of this node.</param>
    /// <exception cref="InvalidOperationException">A node was added already.</exception>
    public static IServiceCollection AddOverlay(this IServiceCollection services, Func<OverlayOptions, OverlayOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (services.Any(s => s.ServiceType == typeof(OverlayNodeHolder))) throw new InvalidOperationException("An overlay node was added already.");
        OverlayOptions options = configure?.Invoke(new OverlayOptions()) ?? new OverlayOptions();
        services.AddSingleton(provider => new OverlayNodeHolder(options, new OverlayServices
        {
            LoggerFactory = provider.GetService<ILoggerFactory>(),
            MeterFactory = provider.GetService<IMeterFactory>(),
            TimeProvider = provider.GetService<TimeProvider>(),
        }));
        services.AddSingleton<IHostedService, OverlayHostedService>();
        services.AddSingleton(provider => provider.GetRequiredService<OverlayNodeHolder>().Node);
        return services;
    }
}
