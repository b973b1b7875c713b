using System.IO.Pipelines;
using System.Net;

namespace Overlay.Sessions;

/// <summary>One target connection through a session: raw payload both ways, counted, held back while the session's credit is used up.</summary>
/// <remarks>
/// <see cref="Input"/> ends when the other side half-closes; completing <see cref="Output"/> is this side's half-close. One reader and one writer at a
/// time. Errors of the peer or the connection surface as <see cref="IOException"/>.
/// </remarks>
internal abstract class MeteredStream : IDuplexPipe, IAsyncDisposable
{
    public abstract PipeReader Input { get; }

    public abstract PipeWriter Output { get; }

    /// <summary>The provider's local end point of the connection to the target, when it told one.</summary>
    public abstract IPEndPoint? BoundEndPoint { get; }

    /// <summary>Resets both directions. Idempotent, never throws.</summary>
    public abstract void Abort(string reason);

    public abstract ValueTask DisposeAsync();
}

/// <summary>Opens connections to targets through some provider: what the local proxies and the HTTP handler stand on.</summary>
internal interface ITargetConnector
{
    /// <summary>Connects to <paramref name="host"/>, which is passed on unresolved, so that the provider resolves it.</summary>
    /// <param name="host">A DNS name or IP address in text form (IPv6 without brackets), at most 255 characters.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="cancellationToken">Gives up waiting; nothing is left open.</param>
    /// <exception cref="ConnectRefusedException">The provider refused or failed to reach the target.</exception>
    /// <exception cref="IOException">The provider itself could not be used.</exception>
    ValueTask<MeteredStream> ConnectAsync(string host, int port, CancellationToken cancellationToken);
}
