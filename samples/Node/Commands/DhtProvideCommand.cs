using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay dht provide</c>: announces this node under a key; with <c>--listen</c> it stays to be found.</summary>
internal static class DhtProvideCommand
{
    internal static Command Create(CommandTree tree)
    {
        var key = new Argument<string>("KEY") { Description = "A region such as DE, or a sha2-256 multihash in hexadecimal." };
        var command = new Command("provide", "Announce this node as provider of a key; with --listen until Ctrl-C.") { key };
        var options = new SettingOptions(command, Settings.Data, Settings.Listen, Settings.Bootstrap, Settings.KadProtocol, Settings.PrivateNetwork);
        return tree.Complete(command, async invocation =>
        {
            ReadOnlyMemory<byte> provided = DhtCommand.ReadKey(invocation.Get(key));
            SettingValues settings = invocation.Read(options);
            IReadOnlyList<Multiaddr> listen = [.. settings.Get(Settings.Listen)];
            await using OverlayNode node = await DhtCommand.StartAsync(invocation, settings, listen);
            int count = await node.Discovery.ProvideAsync(provided, invocation.Stop);
            if (count == 0) throw new RefusalException("nobody took the record");
            invocation.Output.Write(new Answer(node, provided, count));
            if (listen.Count != 0) await Task.Delay(Timeout.Infinite, invocation.Stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ExitCode.Done;
        }, $"overlay dht provide DE --listen /ip4/0.0.0.0/tcp/4001 --bootstrap {PeerProbe.ExampleAddress}");
    }

    private sealed class Answer(OverlayNode node, ReadOnlyMemory<byte> key, int count) : IMessage
    {
        public string Event => "provided";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, node.PeerId.ToString());
            json.WriteString("key"u8, Convert.ToHexStringLower(key.Span));
            json.WriteNumber("peers"u8, count);
        }

        public void WriteText(TextPage page) => page.Line($"{count} peers now know {node.PeerId} as a provider.");
    }
}
