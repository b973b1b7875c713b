using Overlay.Discovery.Kademlia;

namespace Overlay.Interop.Tests.Harness;

/// <summary>One DHT on loopback of nodes of both kinds, <c>overlay run</c> and js-libp2p, each a process of its own. One of each kind is the others' way
/// in.</summary>
/// <remarks>Owns every process and every data folder, and ends them all when it is disposed.</remarks>
internal sealed class MixedNetwork : IAsyncDisposable
{
    internal const string Protocol = KademliaOptions.IpfsProtocol;

    private readonly TemporaryFolder _folder = new();
    private readonly List<OverlayNodeProcess> _overlay = [];
    private readonly List<JsPeer> _js = [];
    private string[] _waysIn = [];

    private MixedNetwork()
    {
    }

    /// <summary>The Overlay nodes but the way in; the second and the fourth share, as exits of Germany.</summary>
    internal IReadOnlyList<OverlayNodeProcess> Overlay => _overlay[1..];

    /// <summary>The js peers but the way in.</summary>
    internal IReadOnlyList<JsPeer> Js => _js[1..];

    /// <summary>Starts so many processes of each kind. Each js peer is told of one way in only, of either kind in turn; the Overlay nodes of both.</summary>
    internal static async Task<MixedNetwork> StartAsync(int overlayCount, int jsCount)
    {
        var network = new MixedNetwork();
        try
        {
            network._overlay.Add(await network.RunAsync(0));
            for (int i = 0; i < jsCount; i++)
            {
                JsPeer peer = await JsPeer.StartAsync(kademlia: Protocol);
                network._js.Add(peer);
                await peer.DialAsync(i % 2 == 0 ? network._overlay[0].Address : network._js[0].Address);
            }

            network._waysIn = ["--bootstrap", network._overlay[0].Address, "--bootstrap", network._js[0].Address];
            for (int i = 1; i < overlayCount; i++) network._overlay.Add(await network.RunAsync(i));
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>Options with which a command joins by way of one peer.</summary>
    internal static string[] Join(string address) => ["--bootstrap", address, "--kad-protocol", Protocol, "--private-network"];

    /// <summary><c>kill -9</c> for the two that everybody came in by.</summary>
    internal async Task KillWaysInAsync()
    {
        await _overlay[0].KillAsync();
        await _js[0].KillAsync();
    }

    /// <summary>Ends an Overlay node in order and starts it again on its data folder, with the words of the first time, at another port.</summary>
    internal async Task<OverlayNodeProcess> RestartAsync(OverlayNodeProcess node)
    {
        int index = _overlay.IndexOf(node);
        await node.StopAsync();
        OverlayNodeProcess again = _overlay[index] = await RunAsync(index);
        await node.DisposeAsync();
        return again;
    }

    internal string CreateFolder(string name) => _folder.CreateFolder(name);

    public async ValueTask DisposeAsync()
    {
        foreach (JsPeer peer in _js) await peer.DisposeAsync();
        foreach (OverlayNodeProcess node in _overlay) await node.DisposeAsync();
        _folder.Dispose();
    }

    private Task<OverlayNodeProcess> RunAsync(int index)
    {
        string[] shares = index != 0 && index % 2 == 0 ? ["--share", "--region", "DE", "--price", "0.05"] : [];
        return OverlayNodeProcess.StartAsync(
            CreateFolder($"node-{index}"),
            ["--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--kad-protocol", Protocol, "--private-network", .. _waysIn, .. shares]);
    }
}
