using System.Net;
using Overlay.Sessions;

namespace Overlay.Using;

/// <summary>Makes message handlers for <see cref="HttpClient"/> whose connections go through a provider, all of them and without exception.</summary>
internal static class OverlayHttpHandler
{
    /// <summary>A handler over <paramref name="connector"/>. Host names go to the provider unresolved.</summary>
    /// <returns>To be disposed of by the caller or the <see cref="HttpClient"/> that gets it. A refusal surfaces as <see cref="HttpRequestException"/> around the
    /// <see cref="ConnectRefusedException"/>.</returns>
    public static HttpMessageHandler Create(ITargetConnector connector) => new TcpOnlyHandler(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            DnsEndPoint target = context.DnsEndPoint;
            MeteredStream stream = await connector.ConnectAsync(target.Host.Trim('[', ']'), target.Port, cancellationToken).ConfigureAwait(false);
            return stream.AsStream();
        },

        // A proxy of the system's would be asked for by name, and reached past the provider.
        UseProxy = false,

        // Trace ids are for the host app's own services, not for sites whose visitor has chosen a detour.
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(30),
        EnableMultipleHttp2Connections = true,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),

        // A session's price and provider change; a connection should not outlive them by much.
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
    });

    /// <summary>Keeps requests off HTTP/3, whose QUIC connections the framework makes past the connect callback.</summary>
    private sealed class TcpOnlyHandler(SocketsHttpHandler inner) : DelegatingHandler(inner)
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) => base.Send(OverTcp(request), cancellationToken);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            base.SendAsync(OverTcp(request), cancellationToken);

        private static HttpRequestMessage OverTcp(HttpRequestMessage request)
        {
            if (request.Version.Major >= 3)
            {
                if (request.VersionPolicy != HttpVersionPolicy.RequestVersionOrLower)
                    throw new HttpRequestException(HttpRequestError.VersionNegotiationError, "HTTP/3 does not go through the overlay: it carries TCP connections only.");
                request.Version = HttpVersion.Version20;
            }
            else if (request.VersionPolicy == HttpVersionPolicy.RequestVersionOrHigher)
            {
                // "Or higher" would follow a site's Alt-Svc to HTTP/3. Over TLS, HTTP/2 is the highest that is left, and is still negotiated.
                bool plainHttp2 = request.RequestUri?.Scheme == Uri.UriSchemeHttp && request.Version.Major == 2;
                request.VersionPolicy = plainHttp2 ? HttpVersionPolicy.RequestVersionExact : HttpVersionPolicy.RequestVersionOrLower;
                if (!plainHttp2) request.Version = HttpVersion.Version20;
            }

            return request;
        }
    }
}
