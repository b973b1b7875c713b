using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Overlay;
using Overlay.Hosting;

namespace Embedding;

/// <summary>A node that lives as long as a generic host, and a named <see cref="HttpClient"/> that goes through it.</summary>
internal static class GenericHost
{
    internal static async Task RunAsync(string provider, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        #region host
        builder.Services.AddOverlay(options => options with { DataDirectory = "host-data", Providers = [provider] });
        builder.Services.AddHttpClient("germany").ConfigurePrimaryHttpMessageHandler(services =>
            services.GetRequiredService<OverlayNode>().CreateHttpHandler(new ExitWish { Region = "DE" }));
        #endregion

        using IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        using (HttpClient http = host.Services.GetRequiredService<IHttpClientFactory>().CreateClient("germany"))
            Console.WriteLine(await http.GetStringAsync(new Uri("https://example.org/"), cancellationToken));

        await host.StopAsync(cancellationToken);
    }
}
