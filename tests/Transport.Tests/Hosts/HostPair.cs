using Microsoft.Extensions.Time.Testing;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Memory;

namespace Overlay.Transport.Tests.Hosts;

/// <summary>Two hosts on one in-memory network, on a clock that the test moves.</summary>
internal sealed class HostPair : IAsyncDisposable
{
    private readonly PeerIdentity _identityA = PeerIdentity.Generate();
    private readonly PeerIdentity _identityB = PeerIdentity.Generate();

    internal HostPair(TransportOptions? optionsA = null, TransportOptions? optionsB = null)
    {
        // Whose id is smaller decides which of two simultaneous connections stays; the tests want it fixed.
        if (_identityA.PeerId > _identityB.PeerId) (_identityA, _identityB) = (_identityB, _identityA);
        A = new PeerHost(_identityA, optionsA, [new MemoryTransport(Network)], Time);
        B = new PeerHost(_identityB, optionsB, [new MemoryTransport(Network)], Time);
    }

    internal MemoryNetwork Network { get; } = new();

    internal FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>The host with the smaller id.</summary>
    internal PeerHost A { get; }

    internal PeerHost B { get; }

    internal static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>B listens; A dials it.</summary>
    internal async Task<PeerConnection> ConnectAsync()
    {
        Multiaddr address = await B.ListenAsync(Multiaddr.Parse("/memory/1"), Cancellation);
        return await A.ConnectAsync(address, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await A.DisposeAsync();
        await B.DisposeAsync();
        _identityA.Dispose();
        _identityB.Dispose();
    }
}
