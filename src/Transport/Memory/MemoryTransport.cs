using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Memory;

/// <summary>Connections inside this process, at addresses of the form <c>/memory/&lt;n&gt;</c>: for tests and simulations, with real backpressure and no sockets.</summary>
/// <remarks>Safe on several threads. Transports reach each other when they share a <see cref="MemoryNetwork"/>.</remarks>
public sealed class MemoryTransport : IByteTransport
{
    private readonly MemoryNetwork _network;
    private readonly MemoryTransportOptions _options;

    /// <summary>Makes a transport on <paramref name="network"/>.</summary>
    /// <param name="network">The network to dial and listen in.</param>
    /// <param name="options">Settings; the defaults when null.</param>
    public MemoryTransport(MemoryNetwork network, MemoryTransportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        _network = network;
        _options = options ?? new MemoryTransportOptions();
    }

    /// <inheritdoc/>
    public bool CanDial(Multiaddr address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return MemoryNetwork.TryGetNumber(address, out _);
    }

    /// <inheritdoc/>
    public async ValueTask<ByteConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        cancellationToken.ThrowIfCancellationRequested();
        ulong number = NumberOf(address, ConnectionStep.Dial);
        if (!_network.TryFind(number, out MemoryByteListener? listener)) throw Nobody(address);
        return await listener.ConnectAsync(_network.GiveAddress(), cancellationToken).ConfigureAwait(false) ?? throw Nobody(address);
    }

    /// <inheritdoc/>
    public ValueTask<ByteListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult<ByteListener>(_network.Listen(NumberOf(address, ConnectionStep.Listen), _options));
    }

    private static ulong NumberOf(Multiaddr address, ConnectionStep step) =>
        MemoryNetwork.TryGetNumber(address, out ulong number)
            ? number
            : throw new ConnectionException(ConnectionError.UnsupportedAddress, step, Fault.Caller, $"{address} is not of the form /memory/<n>.");

    private static ConnectionException Nobody(Multiaddr address) =>
        new(ConnectionError.Unreachable, ConnectionStep.Dial, Fault.Network, $"Nobody listens at {address}.");
}
