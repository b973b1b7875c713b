using System.Net;
using System.Net.Sockets;
using System.Text;
using Overlay.Interop.Tests.Harness;
using Overlay.TestKit;

namespace Overlay.Interop.Tests;

/// <summary>A whole provider on a host whose resolver is in the attacker's hand, and a canary on its network that must not see a single packet.</summary>
public sealed class RebindingTests
{
    private const string Public = "93.184.215.14", Dns = "93.184.215.53";

    // No name leads here; the test itself asks for it behind everything else.
    private const string Last = "10.99.0.250";

    // Addresses of the network on which the exit stands, all of which a host next to it has.
    private static readonly string[] s_canaries = ["10.99.0.1", "192.168.99.1", "172.16.99.1", "100.64.9.9", "169.254.169.254", "fd99::1"];

    // Each answers with these addresses, in turn if there are several lists; none may be reached.
    private static readonly Dictionary<string, string[]> s_traps = new()
    {
        ["private.example.com"] = ["10.99.0.1"],
        ["mixed.example.com"] = [Public, "10.99.0.1"],
        ["mixed-first.example.com"] = ["192.168.99.1", Public],
        ["alias.example.com"] = ["inner.example.net", "172.16.99.1"],
        ["carrier.example.com"] = ["100.64.9.9"],
        ["metadata.example.com"] = ["169.254.169.254"],
        ["six.example.com"] = [Public, "fd99::1"],
        ["mapped.example.com"] = ["::ffff:10.99.0.1"],
        ["translated.example.com"] = ["64:ff9b::10.99.0.1"],
        ["loopback.example.com"] = ["127.0.0.1"],
        ["itself.example.com"] = ["10.77.0.1"],
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Exit_WhoseResolverRebinds_SendsTheCanaryNoPacketAndServesHonestNames()
    {
        await using TwoHosts lan = await TwoHosts.CreateAsync("10.77.0.1/24", "10.77.0.2/24");
        foreach (string address in s_canaries.Append(Public).Append(Dns))
        {
            // Its own host must not ask either whether somebody has it already.
            string[] quietly = address.Contains(':', StringComparison.Ordinal) ? ["nodad"] : [];
            await TwoHosts.ConfigureAsync(["-n", lan.Second, "addr", "add", address, "dev", "lan0", .. quietly]);
        }

        await TwoHosts.ConfigureAsync("-n", lan.First, "addr", "add", "fd77::1/64", "dev", "lan0", "nodad");
        await TwoHosts.ConfigureAsync("-n", lan.First, "-6", "route", "add", "default", "dev", "lan0");
        using var resolver = new ResolverFile(lan.First, Dns);
        await using var dns = new RebindingDns(lan.Second, Dns, (name, turn) => name switch
        {
            "honest.example.com" => [Public],
            // Public, then private, and so on; and once public, then private for ever.
            "flip.example.com" => [turn % 2 == 0 ? Public : "10.99.0.1"],
            "late.example.com" => [turn == 0 ? Public : "169.254.169.254"],
            _ => s_traps.GetValueOrDefault(name, []),
        });
        await using var web = new HonestWeb(lan.Second);
        await using var canary = new Canary(lan.Second, [.. s_canaries, Last]);
        // What stays on the exit's own host passes no cable.
        await using var inside = new Canary(lan.First, [.. s_canaries, Last, "127.0.0.1", "::1"]);
        using var folder = new TemporaryFolder();
        await using OverlayNodeProcess provider = await OverlayNodeProcess.StartOnAsync(
            lan.First, folder.CreateFolder("provider"), "--listen", "/ip4/10.77.0.1/tcp/4001", "--no-mdns", "--share");
        await using OverlayNodeProcess consumer = await OverlayNodeProcess.StartOnAsync(
            lan.Second, folder.CreateFolder("consumer"), "--no-mdns", "--socks", "127.0.0.1:0", "--provider", provider.Address);

        Assert.Equal(HonestWeb.Page, await FetchAsync(lan.Second, consumer, "honest.example.com"));
        int served = 0;
        for (int i = 0; i < 12; i++)
            if (await FetchAsync(lan.Second, consumer, "flip.example.com") is { } page) served += page == HonestWeb.Page ? 1 : 100;
        Assert.Equal(6, served);
        Assert.Equal(12, dns.Asked("flip.example.com"));
        Assert.Equal(HonestWeb.Page, await FetchAsync(lan.Second, consumer, "late.example.com"));
        for (int i = 0; i < 3; i++) Assert.Null(await FetchAsync(lan.Second, consumer, "late.example.com"));
        foreach (string name in s_traps.Keys)
        {
            Assert.Null(await FetchAsync(lan.Second, consumer, name));
            Assert.NotEqual(0, dns.Asked(name));
        }

        Assert.Equal(HonestWeb.Page, await FetchAsync(lan.Second, consumer, "honest.example.com"));
        // Frames are read in their order, but later: once the canaries have seen this question, they have seen all before it.
        using (Socket last = HostSockets.Make(lan.First, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)))
        {
            await last.SendToAsync(new byte[1], SocketFlags.None, new IPEndPoint(IPAddress.Parse(Last), 80));
            await Patience.UntilAsync(() => IsSeen(canary, Last) && IsSeen(inside, Last), Token);
        }

        Assert.DoesNotContain(canary.Seen, seen => !IsOf(seen, Last));
        Assert.DoesNotContain(inside.Seen, seen => !IsOf(seen, Last));

        // The canary does sing: the same network, the same host, without an exit.
        foreach (string address in s_canaries)
        {
            using Socket probe = HostSockets.Make(lan.First, () => new Socket(IPAddress.Parse(address).AddressFamily, SocketType.Dgram, ProtocolType.Udp));
            await probe.SendToAsync(new byte[1], SocketFlags.None, new IPEndPoint(IPAddress.Parse(address), 80));
            await Patience.UntilAsync(() => IsSeen(canary, address), Token);
        }
    }

    private static bool IsSeen(Canary canary, string address) => canary.Seen.Any(seen => IsOf(seen, address));

    private static bool IsOf(string seen, string address) => seen.StartsWith(address + " ", StringComparison.Ordinal);

    // The page, or null when the exit refused by its rules.
    private static async Task<string?> FetchAsync(string host, OverlayNodeProcess consumer, string name)
    {
        await using ChildProcess curl = TwoHosts.Start(
            host, RealTools.Find("curl"), ["--disable", "--silent", "--show-error", "--noproxy", "", .. Curl.ThroughSocks(consumer.Socks), $"http://{name}/"]);
        int code = await curl.WaitForExitAsync(TimeSpan.FromMinutes(1), Token);
        if (code == 0) return string.Concat(curl.TakeLines());
        Assert.True(code == 97 && curl.Errors.Contains("(2)", StringComparison.Ordinal), $"{name}: {code} {curl.Errors}");
        return null;
    }

    /// <summary>What <c>ip netns exec</c> shows the programs on a host as their resolv.conf.</summary>
    private sealed class ResolverFile : IDisposable
    {
        private readonly DirectoryInfo _folder;

        internal ResolverFile(string host, string server)
        {
            _folder = Directory.CreateDirectory($"/etc/netns/{host}");
            File.WriteAllText(Path.Combine(_folder.FullName, "resolv.conf"), $"nameserver {server}\noptions timeout:5 attempts:1\n");
        }

        public void Dispose() => _folder.Delete(recursive: true);
    }

    /// <summary>A web server at a public address, of one page.</summary>
    private sealed class HonestWeb : IAsyncDisposable
    {
        internal const string Page = "honest";

        private readonly Socket _listener;
        private readonly Task _serving;

        internal HonestWeb(string host)
        {
            _listener = HostSockets.Make(host, () =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                // On every address, the canary's among them: it is not for lack of a server that nothing comes back from those.
                socket.Bind(new IPEndPoint(IPAddress.Any, 80));
                socket.Listen();
                return socket;
            });
            _serving = ServeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            await _serving;
        }

        private async Task ServeAsync()
        {
            byte[] request = new byte[4096];
            try
            {
                while (true)
                {
                    using Socket client = await _listener.AcceptAsync();
                    await client.ReceiveAsync(request, SocketFlags.None);
                    bool isPublic = ((IPEndPoint)client.LocalEndPoint!).Address.Equals(IPAddress.Parse(Public));
                    string page = isPublic ? Page : "secret";
                    await client.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {page.Length}\r\nConnection: close\r\n\r\n{page}"),
                        SocketFlags.None);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
