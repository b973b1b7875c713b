using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Overlay.Hosting;
using Overlay.Proofs.Receipts;
using Overlay.Tests.Sharing;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Hosting;

/// <summary>A node in a generic host, over real sockets on loopback.</summary>
public sealed class AddOverlayTests
{
    private static readonly string[] s_loopback = ["/ip4/127.0.0.1/tcp/0"];

    [Fact]
    public void AddOverlay_CalledTwice_Throws()
    {
        var services = new ServiceCollection();
        services.AddOverlay();

        Assert.Throws<InvalidOperationException>(() => services.AddOverlay());
    }

    [Fact]
    public void AddOverlay_OptionOutOfRange_ThrowsAtOnceAndNamesIt()
    {
        var services = new ServiceCollection();

        var error = Assert.Throws<ArgumentException>(() => services.AddOverlay(options => options with { Listen = ["somewhere"] }));

        Assert.Equal(nameof(OverlayOptions.Listen), error.ParamName);
        Assert.Contains("somewhere", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OverlayNode_ResolvedBeforeTheHostStarted_ThrowsAndSaysWhy()
    {
        using IHost host = BuildHost(options => options);

        var error = Assert.Throws<InvalidOperationException>(host.Services.GetRequiredService<OverlayNode>);

        Assert.Contains("starts with the host", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_Started_GivesTheOneNodeAsConfigured()
    {
        using IHost host = BuildHost(options => options with { Listen = s_loopback });

        await host.StartAsync(TestContext.Current.CancellationToken);

        OverlayNode node = host.Services.GetRequiredService<OverlayNode>();
        Assert.Same(node, host.Services.GetRequiredService<OverlayNode>());
        Assert.NotEqual(0, PortOf(Assert.Single(node.Addresses)));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Host_Stopped_DisposesTheNodeAndLeavesItsPort()
    {
        using IHost host = BuildHost(options => options with { Listen = s_loopback });
        await host.StartAsync(TestContext.Current.CancellationToken);
        OverlayNode node = host.Services.GetRequiredService<OverlayNode>();
        int port = PortOf(node.Addresses[0]);

        await host.StopAsync(TestContext.Current.CancellationToken);

        Assert.Throws<ObjectDisposedException>(() => node.CreateHttpHandler());
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken).AsTask());
    }

    [Fact]
    public async Task Host_NodeCannotListen_DoesNotStart()
    {
        await using OverlayNode taken = await OverlayNode.StartAsync(new OverlayOptions { Listen = s_loopback }, null, TestContext.Current.CancellationToken);
        using IHost host = BuildHost(options => options with { Listen = [$"/ip4/127.0.0.1/tcp/{PortOf(taken.Addresses[0])}"] });

        var error = await Assert.ThrowsAsync<OverlayException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(OverlayError.ListenFailed, error.Reason);
    }

    [Fact]
    public async Task CreateHttpHandler_ProviderOnLoopback_FetchesThroughItAndPaysWithAReceipt()
    {
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        await using var origin = new TinyOrigin();
        await using OverlayNode provider = await StartProviderAsync(origin.Port);
        using IHost host = BuildHost(options => options with { Providers = [provider.Addresses[0].ToString()] });
        await host.StartAsync(cancelled);
        OverlayNode consumer = host.Services.GetRequiredService<OverlayNode>();

        await using IAsyncEnumerator<Receipt> receipts = provider.Ledger.WatchAsync(cancelled).GetAsyncEnumerator(cancelled);
        ValueTask<bool> next = receipts.MoveNextAsync();

        using (var http = new HttpClient(consumer.CreateHttpHandler()))
            Assert.Equal(TinyOrigin.Page, await http.GetStringAsync(origin.Address, cancelled));

        await host.StopAsync(cancelled);

        Assert.True(await next);
        Assert.Equal(consumer.PeerId, PeerPublicKey.FromEd25519(receipts.Current.Body.Consumer.Bytes).ToPeerId());
    }

    [Fact]
    public async Task CreateHttpHandler_ProviderTooDear_FailsWithoutAskingTheOrigin()
    {
        await using var origin = new TinyOrigin();
        await using OverlayNode provider = await StartProviderAsync(origin.Port);
        using IHost host = BuildHost(options => options with { Providers = [provider.Addresses[0].ToString()] });
        await host.StartAsync(TestContext.Current.CancellationToken);
        OverlayNode consumer = host.Services.GetRequiredService<OverlayNode>();
        using var http = new HttpClient(consumer.CreateHttpHandler(new ExitWish { MaxPricePerGiB = 0.04m }));

        var error = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(origin.Address, TestContext.Current.CancellationToken));

        Assert.Equal(OverlayError.ProviderRefused, Assert.IsType<OverlayException>(error.InnerException).Reason);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    private static IHost BuildHost(Func<OverlayOptions, OverlayOptions> configure)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddOverlay(configure);
        return builder.Build();
    }

    private static Task<OverlayNode> StartProviderAsync(int originPort) => OverlayNode.StartAsync(
        new OverlayOptions
        {
            Listen = s_loopback,
            Sharing = new SharingOptions { PricePerGiB = 0.05m, AllowedPorts = [originPort], AllowPrivateTargets = true, AskConsent = Consents.Yes },
        },
        null,
        TestContext.Current.CancellationToken);

    private static int PortOf(Multiaddr address) =>
        int.Parse(address.Components.Single(component => component.Protocol == MultiaddrProtocol.Tcp).Value, System.Globalization.CultureInfo.InvariantCulture);
}
