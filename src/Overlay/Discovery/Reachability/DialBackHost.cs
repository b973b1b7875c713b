using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Overlay.Discovery.Reachability.Wire;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Reachability;

/// <summary>Dials back under a name of its own, so that no connection of the node is taken for a dial's outcome and none of its ports is reused.</summary>
/// <remarks>Made with the first dial; holds no connection longer than one dial takes. Safe on several threads.</remarks>
internal sealed class DialBackHost(ReachabilityOptions options, TimeProvider time, ILoggerFactory? loggerFactory) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private PeerIdentity? _identity;
    private PeerHost? _host;
    private bool _disposed;

    /// <summary>Dials one address and brings the nonce there.</summary>
    internal async Task<DialStatus> DialAsync(PeerId peer, Multiaddr address, ulong nonce, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(options.DialBackTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        PeerConnection connection;
        try
        {
            connection = await Host().ConnectAnewAsync(peer, [address], either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConnectionException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return DialStatus.EDialError;
        }

        await using ConfiguredAsyncDisposable disposal = connection.ConfigureAwait(false);
        try
        {
            PeerStream stream = await connection.OpenStreamAsync(AutoNatProtocol.DialBack, either.Token).ConfigureAwait(false);
            await using ConfiguredAsyncDisposable streamDisposal = stream.ConfigureAwait(false);
            await stream.Output.WriteAsync(new DialBack { Nonce = nonce }, either.Token).ConfigureAwait(false);
            await stream.Output.CompleteAsync().ConfigureAwait(false);
            DialBackResponse answer = await stream.Input.ReadAsync(DialBackResponse.Parser, either.Token).ConfigureAwait(false);
            return answer.Status == DialBackResponse.Types.DialBackStatus.Ok ? DialStatus.Ok : DialStatus.EDialBackError;
        }
        catch (Exception e) when (e is ConnectionException or AutoNatException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return DialStatus.EDialBackError;
        }
    }

    public async ValueTask DisposeAsync()
    {
        PeerHost? host;
        lock (_lock)
        {
            _disposed = true;
            host = _host;
        }

        if (host is not null) await host.DisposeAsync().ConfigureAwait(false);
        _identity?.Dispose();
    }

    private PeerHost Host()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _identity ??= PeerIdentity.Generate();
            return _host ??= new PeerHost(_identity, new TransportOptions { IdentifyOnConnect = false, DialTimeout = options.DialBackTimeout }, null, time,
                loggerFactory);
        }
    }
}
