using System.Net;
using System.Net.Sockets;

namespace Overlay.Interop.Tests.Harness;

/// <summary>nginx on a free port of loopback, serving a temporary folder: the web server behind the provider.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder;
    private readonly ChildProcess _process;
    private readonly string _address;

    private Nginx(TemporaryFolder folder, ChildProcess process, string address, int port)
    {
        _address = address;
        _folder = folder;
        _process = process;
        Port = port;
    }

    internal int Port { get; }

    internal string Root => _folder.File("www");

    internal string Url(string path) => $"http://{_address}:{Port}/{path}";

    internal static async Task<Nginx> StartAsync()
    {
        string program = RealTools.Find("nginx");
        var folder = new TemporaryFolder();
        folder.CreateFolder("www");
        int port = RealTools.FreePort();
        await File.WriteAllTextAsync(folder.File("nginx.conf"), Configuration(folder.Path, "127.0.0.1", port), TestContext.Current.CancellationToken);
        var process = ChildProcess.Start(program, ["-p", folder.Path, "-c", folder.File("nginx.conf"), "-e", "stderr"]);
        var nginx = new Nginx(folder, process, "127.0.0.1", port);
        try
        {
            await nginx.WaitUntilListeningAsync();
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same on a host of a <see cref="TwoHosts"/>, at port 8080 of its address.</summary>
    internal static async Task<Nginx> StartOnAsync(string host, string address)
    {
        const int HostPort = 8080;
        string program = RealTools.Find("nginx"), curl = RealTools.Find("curl");
        var folder = new TemporaryFolder();
        folder.CreateFolder("www");
        await File.WriteAllTextAsync(folder.File("nginx.conf"), Configuration(folder.Path, address, HostPort), TestContext.Current.CancellationToken);
        var nginx = new Nginx(folder, TwoHosts.Start(host, program, ["-p", folder.Path, "-c", folder.File("nginx.conf"), "-e", "stderr"]), address, HostPort);
        try
        {
            await using var probe = TwoHosts.Start(
                host, curl, ["--silent", "--output", "/dev/null", "--noproxy", "*", "--retry-connrefused", "--retry", "100", "--retry-delay", "1", nginx.Url("")]);
            if (await probe.WaitForExitAsync(s_patience, TestContext.Current.CancellationToken) != 0) throw new InvalidOperationException($"nginx did not start:\n{nginx._process.Errors}");
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Dispose();
    }

    // nginx does not say when it listens: the only way to know is to connect.
    private async Task WaitUntilListeningAsync()
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(s_patience);
        while (true)
        {
            if (_process.HasExited) throw new InvalidOperationException($"nginx did not start:\n{_process.Errors}");
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, Port, deadline.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
            }
        }
    }

    private static string Configuration(string folder, string address, int port) => $$"""
        daemon off;
        master_process off;
        pid {{folder}}/nginx.pid;
        events { worker_connections 1024; }
        http {
          access_log off;
          sendfile on;
          types { text/html html; image/bmp bmp; }
          default_type application/octet-stream;
          client_body_temp_path {{folder}}/body;
          proxy_temp_path {{folder}}/proxy;
          fastcgi_temp_path {{folder}}/fastcgi;
          uwsgi_temp_path {{folder}}/uwsgi;
          scgi_temp_path {{folder}}/scgi;
          keepalive_requests 100000;
          server { listen {{address}}:{{port}}; root {{folder}}/www; }
        }
        """;
}
