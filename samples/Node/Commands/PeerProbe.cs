using System.CommandLine;
using Overlay.Node.Configuration;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary>What <c>ping</c>, <c>identify</c> and <c>perf</c> share: one connection to one peer of any libp2p implementation.</summary>
internal sealed class PeerProbe
{
    private readonly Argument<string> _address = new("ADDR") { Description = "The peer's multiaddr, ending in /p2p/ and its PeerId." };
    private readonly SettingOptions _options;

    internal const string ExamplePeer = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    internal const string ExampleAddress = "/ip4/203.0.113.7/tcp/4001/p2p/" + ExamplePeer;

    internal PeerProbe(Command command)
    {
        command.Arguments.Add(_address);
        _options = new SettingOptions(command, Settings.Data);
    }

    /// <summary>Connects, runs <paramref name="use"/>, says goodbye.</summary>
    /// <remarks>Dials under the key in the data folder when one is named and has a key, else under one made for the occasion.</remarks>
    /// <exception cref="UsageException">The address names no peer.</exception>
    /// <exception cref="ConnectionException">The peer could not be reached, or was another.</exception>
    internal async Task<int> RunAsync(Invocation invocation, Func<PeerHost, PeerConnection, Task> use)
    {
        string text = invocation.Get(_address);
        if (!Multiaddr.TryParse(text, out Multiaddr? address) || address.PeerId is null)
            throw new UsageException($"ADDR cannot be '{text}': it takes a multiaddr that ends in /p2p/ and a PeerId, such as {ExampleAddress}.");
        using PeerIdentity identity = Identity(invocation.Read(_options));
        await using var host = new PeerHost(identity, loggerFactory: invocation.Logging);
        PeerConnection connection = await host.ConnectAsync(address, invocation.Stop);
        await use(host, connection);
        return ExitCode.Done;
    }

    private static PeerIdentity Identity(SettingValues settings)
    {
        if (settings.FindObject(Settings.Data) is not { } folder) return PeerIdentity.Generate();
        string file = DataFolder.KeyFile(Path.GetFullPath(folder));
        return File.Exists(file) ? PeerIdentityFile.Load(file) : PeerIdentity.Generate();
    }
}
