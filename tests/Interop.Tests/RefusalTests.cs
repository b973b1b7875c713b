using System.Net;
using System.Net.Sockets;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>What a provider refuses reaches the user of curl with its reason, by either proxy.</summary>
public sealed class RefusalTests
{
    // CURLE_PROXY; SOCKS5's own number of the reason stands in the message.
    private const int CurlProxyError = 97;

    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://localhost/")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://[::ffff:127.0.0.1]/")]
    [InlineData("http://[64:ff9b::7f00:1]/")]
    public async Task ForbiddenAddress_StrictProvider_IsRefusedByRuleset(string url)
    {
        await using StrictPair pair = await StrictPair.StartAsync();

        CurlResult socks = await Curl.FetchAsync(url, Curl.ThroughSocks(pair.Consumer.Socks));
        CurlResult plain = await Curl.FetchAsync(url, Curl.ThroughHttp(pair.Consumer.HttpProxy));
        CurlResult tunnel = await Curl.FetchAsync(url, Curl.ThroughConnect(pair.Consumer.HttpProxy));

        Assert.Equal(CurlProxyError, socks.ExitCode);
        Assert.Contains("(2)", socks.Errors, StringComparison.Ordinal);
        Assert.Equal((int)HttpStatusCode.Forbidden, plain.HttpStatus);
        Assert.Contains("The exit does not connect to", plain.Text, StringComparison.Ordinal);
        Assert.Equal((int)HttpStatusCode.Forbidden, tunnel.ConnectStatus);
    }

    [Fact]
    public async Task ForbiddenPort_StrictProvider_IsRefusedByRuleset()
    {
        await using StrictPair pair = await StrictPair.StartAsync();

        CurlResult socks = await Curl.FetchAsync("http://93.184.216.34:25/", Curl.ThroughSocks(pair.Consumer.Socks));
        CurlResult plain = await Curl.FetchAsync("http://93.184.216.34:25/", Curl.ThroughHttp(pair.Consumer.HttpProxy));

        Assert.Equal(CurlProxyError, socks.ExitCode);
        Assert.Contains("(2)", socks.Errors, StringComparison.Ordinal);
        Assert.Equal((int)HttpStatusCode.Forbidden, plain.HttpStatus);
        Assert.Contains("25", plain.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownName_IsRefusedAsUnreachableHost()
    {
        await using StrictPair pair = await StrictPair.StartAsync();

        CurlResult socks = await Curl.FetchAsync("http://does-not-exist.example/", Curl.ThroughSocks(pair.Consumer.Socks));
        CurlResult plain = await Curl.FetchAsync("http://does-not-exist.example/", Curl.ThroughHttp(pair.Consumer.HttpProxy));

        Assert.Equal(CurlProxyError, socks.ExitCode);
        Assert.Contains("(4)", socks.Errors, StringComparison.Ordinal);
        Assert.Equal((int)HttpStatusCode.BadGateway, plain.HttpStatus);
        Assert.Contains("does-not-exist.example", plain.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TargetThatRefuses_IsToldAsRefusedConnection()
    {
        using var folder = new TemporaryFolder();
        int closed = RealTools.FreePort();
        await using OverlayNodeProcess provider = await OverlayNodeProcess.StartProviderAsync(folder.CreateFolder("provider"), RealTools.FreePort(), closed);
        await using OverlayNodeProcess consumer = await OverlayNodeProcess.StartConsumerAsync(folder.CreateFolder("consumer"), provider.Address);

        CurlResult socks = await Curl.FetchAsync($"http://127.0.0.1:{closed}/", Curl.ThroughSocks(consumer.Socks));
        CurlResult plain = await Curl.FetchAsync($"http://127.0.0.1:{closed}/", Curl.ThroughHttp(consumer.HttpProxy));

        Assert.Equal(CurlProxyError, socks.ExitCode);
        Assert.Contains("(5)", socks.Errors, StringComparison.Ordinal);
        Assert.Equal((int)HttpStatusCode.BadGateway, plain.HttpStatus);
        Assert.Contains("refused", plain.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task OriginThatListens_StrictProvider_SeesNoConnection()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using StrictPair pair = await StrictPair.StartAsync("--allow-port", $"{port}");

        CurlResult socks = await Curl.FetchAsync($"http://127.0.0.1:{port}/", Curl.ThroughSocks(pair.Consumer.Socks));

        Assert.Equal(CurlProxyError, socks.ExitCode);
        Assert.False(listener.Pending());
    }

    /// <summary>A provider with the exit policy that it has by default, and a consumer.</summary>
    private sealed class StrictPair : IAsyncDisposable
    {
        private readonly TemporaryFolder _folder;

        private StrictPair(TemporaryFolder folder, OverlayNodeProcess provider, OverlayNodeProcess consumer)
        {
            _folder = folder;
            Provider = provider;
            Consumer = consumer;
        }

        internal OverlayNodeProcess Provider { get; }

        internal OverlayNodeProcess Consumer { get; }

        internal static async Task<StrictPair> StartAsync(params string[] arguments)
        {
            var folder = new TemporaryFolder();
            OverlayNodeProcess? provider = null;
            try
            {
                string[] always = ["--listen", "/ip4/127.0.0.1/tcp/0", "--share", "--region", "DE", "--price", "0.05"];
                provider = await OverlayNodeProcess.StartAsync(folder.CreateFolder("provider"), [.. always, .. arguments]);
                return new StrictPair(folder, provider, await OverlayNodeProcess.StartConsumerAsync(folder.CreateFolder("consumer"), provider.Address));
            }
            catch
            {
                if (provider is not null) await provider.DisposeAsync();
                folder.Dispose();
                throw;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Consumer.DisposeAsync();
            await Provider.DisposeAsync();
            _folder.Dispose();
        }
    }
}
