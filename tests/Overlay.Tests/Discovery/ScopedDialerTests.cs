using System.Net;
using Microsoft.Extensions.Time.Testing;
using Overlay.Discovery.Addresses;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class ScopedDialerTests : IAsyncDisposable
{
    private readonly PeerIdentity _identity = PeerIdentity.Generate();
    private readonly PeerHost _host;
    private readonly ScopedDialer _dialer;

    public ScopedDialerTests()
    {
        _host = new PeerHost(_identity);
        _dialer = new ScopedDialer(_host, new TableOfHosts(new()
        {
            ["rebound.example"] = ["192.168.1.1", "127.0.0.1", "::ffff:10.0.0.1", "1.1.1.1"],
            ["metadata.example"] = ["169.254.169.254"],
        }));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _identity.Dispose();
    }

    [Fact]
    public async Task Resolve_ToldFromTheInternet_NothingLeadsIntoTheLan()
    {
        (Multiaddr, AddressScope?)[] told =
        [
            (Peers.At("192.168.1.1"), AddressScope.Public), (Peers.At("fd00::1"), AddressScope.Public), (Peers.At("127.0.0.1"), AddressScope.Public),
            (Multiaddr.Parse("/dns4/rebound.example/tcp/80"), AddressScope.Public), (Multiaddr.Parse("/dns/metadata.example/tcp/80"), AddressScope.Public),
            (Peers.At("2.2.2.2"), AddressScope.Public),
        ];

        IReadOnlyList<Multiaddr> resolved = await _dialer.ResolveAsync(told, Peers.Cancellation);

        Assert.Equal([Peers.At("1.1.1.1", 80), Peers.At("2.2.2.2")], resolved);
        Assert.Equal(7, _dialer.RefusedCount);
    }

    [Fact]
    public async Task Resolve_OwnersName_LeadsWhereverTheOwnerMeans()
    {
        IReadOnlyList<Multiaddr> resolved = await _dialer.ResolveAsync([(Multiaddr.Parse("/dns4/rebound.example/tcp/80"), null)], Peers.Cancellation);

        Assert.Contains(Peers.At("192.168.1.1", 80), resolved);
    }

    [Fact]
    public async Task Resolve_ManyNames_OnlyAFewAreAskedFor()
    {
        (Multiaddr, AddressScope?)[] told = [.. Enumerable.Range(1, 20)
            .Select(port => (Multiaddr.Parse($"/dns4/rebound.example/tcp/{port}"), (AddressScope?)AddressScope.Public))];

        Assert.Equal(4, (await _dialer.ResolveAsync(told, Peers.Cancellation)).Count);
    }

    [Fact]
    public async Task Resolve_NameServerNeverAnswers_TheOtherAddressesAreLeft()
    {
        FakeTimeProvider time = Peers.Clock();
        var dialer = new ScopedDialer(_host, new ScriptedHosts((_, _) => new TaskCompletionSource<IReadOnlyList<IPAddress>>().Task), time);

        Task<IReadOnlyList<Multiaddr>> resolving = dialer.ResolveAsync(
            [(Multiaddr.Parse("/dns4/slow.example/tcp/80"), AddressScope.Public), (Peers.At("2.2.2.2"), AddressScope.Public)], Peers.Cancellation).AsTask();

        DateTimeOffset began = time.GetUtcNow();
        Assert.Equal([Peers.At("2.2.2.2")], await time.UntilAsync(resolving, TimeSpan.FromSeconds(1)).WaitAsync(TimeSpan.FromMinutes(1), Peers.Cancellation));
        // Beside an address that is there a name is not waited for as long as alone; the clock may be a step ahead of whoever is woken.
        Assert.InRange(time.GetUtcNow() - began, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task Connect_NothingMayBeDialled_FailsWithoutADial()
    {
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(
            () => _dialer.ConnectAsync(Peers.New(), [(Peers.At("127.0.0.1", 9), AddressScope.Public)], Peers.Cancellation).AsTask());

        Assert.Equal(ConnectionError.UnsupportedAddress, error.Reason);
    }
}
