using System.Net;
using Overlay.Sessions;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Using;

namespace Overlay;

/// <summary>A node of the network: consumer, provider or both. A small front over its parts, each of which is a property.</summary>
/// <remarks>Safe on several threads. Disposing closes sessions with last receipts within <see cref="OverlayOptions.CloseTimeout"/>.</remarks>
public sealed class OverlayNode : IAsyncDisposable
{
    private readonly OverlayParts _parts;
    private int _disposed;

    private OverlayNode(OverlayParts parts)
    {
        _parts = parts;
        Ledger = new OverlayLedger(parts.Ledger, parts.Claims);
        Gossip = parts.Gossip is { } gossip ? new OverlayGossip(gossip) : null;
    }

    /// <summary>This node's name.</summary>
    public PeerId PeerId => Peers.PeerId;

    /// <summary>The addresses at which others can dial this node, each ending in <c>/p2p/…</c>.</summary>
    public IReadOnlyList<Multiaddr> Addresses => Peers.ListenAddresses;

    /// <summary>Connections to other peers.</summary>
    public PeerHost Peers => _parts.Peers;

    /// <summary>The protocols for which this node takes streams; add your own.</summary>
    public ProtocolRegistry Protocols => Peers.Protocols;

    /// <summary>Receipts given and taken, and the claims made of them.</summary>
    public OverlayLedger Ledger { get; }

    /// <summary>Finds peers and providers, and announces this node to others.</summary>
    public OverlayDiscovery Discovery => _parts.Discovery;

    /// <summary>Topics and their messages; null without <see cref="OverlayOptions.Gossip"/>.</summary>
    public OverlayGossip? Gossip { get; }

    /// <summary>What is asked and offered, and by whom.</summary>
    public OverlayMarket Market => _parts.Market;

    /// <summary>The service that this node gives to others; null without <see cref="OverlayOptions.Sharing"/>.</summary>
    public OverlaySharing? Sharing => _parts.Sharing;

    /// <summary>Where SOCKS5 clients are taken, port filled in; null when nowhere.</summary>
    public IPEndPoint? SocksEndPoint => _parts.Socks?.LocalEndPoint;

    /// <summary>Where HTTP proxy clients are taken, port filled in; null when nowhere.</summary>
    public IPEndPoint? HttpProxyEndPoint => _parts.HttpProxy?.LocalEndPoint;

    /// <summary>Starts a node: opens its data folder, listens, and begins to share and to take proxy clients as the options say.</summary>
    /// <param name="options">What the node is to do.</param>
    /// <param name="services">What the host lends it; null for nothing.</param>
    /// <param name="cancellationToken">Gives up; nothing is left open.</param>
    /// <exception cref="OverlayException">The data folder or an address cannot be used.</exception>
    public static async Task<OverlayNode> StartAsync(OverlayOptions options, OverlayServices? services = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new OverlayNode(await OverlayParts.StartAsync(options, services ?? new OverlayServices(), cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Opens a stream to a connected peer.</summary>
    /// <exception cref="ConnectionException">There is no connection to the peer, or no stream can be opened.</exception>
    public ValueTask<PeerStream> OpenStreamAsync(PeerId peer, string protocol, CancellationToken cancellationToken = default) =>
        Peers.OpenStreamAsync(peer, protocol, cancellationToken);

    /// <summary>Connects to a target through a provider, which resolves the name.</summary>
    /// <param name="host">A DNS name or IP address in text form, at most 255 characters.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="wish">Which provider; null for <see cref="OverlayOptions.Wish"/>.</param>
    /// <param name="cancellationToken">Gives up; nothing is left open.</param>
    /// <returns>A stream of raw bytes both ways; dispose it.</returns>
    /// <exception cref="ConnectRefusedException">The provider refused the target or did not reach it.</exception>
    /// <exception cref="OverlayException">No provider that fits could be used.</exception>
    public async Task<Stream> ConnectAsync(string host, int port, ExitWish? wish = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(host.Length, 255, nameof(host));
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, 65535);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        MeteredStream stream = await _parts.Connector(wish).ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
        return stream.AsStream();
    }

    /// <summary>Makes a handler that sends an <see cref="HttpClient"/>'s requests through a provider. Dispose it, or the client that owns it, before the node.</summary>
    /// <param name="wish">Which provider; null for <see cref="OverlayOptions.Wish"/>.</param>
    public HttpMessageHandler CreateHttpHandler(ExitWish? wish = null)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return OverlayHttpHandler.Create(_parts.Connector(wish));
    }

    /// <summary>Stops: takes no more clients, closes sessions with last receipts, then closes connections and the ledger.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) await _parts.DisposeAsync().ConfigureAwait(false);
    }
}
