using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Output;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay dht find-peer</c> and <c>find-providers</c>.</summary>
internal static class DhtFindCommands
{
    internal static Command CreateFindPeer(CommandTree tree)
    {
        var peer = new Argument<string>("PEER") { Description = "The peer's id." };
        var command = new Command("find-peer", "Find a peer's addresses.") { peer };
        var options = DhtCommand.Options(command);
        return tree.Complete(command, async invocation =>
        {
            string text = invocation.Get(peer);
            if (!PeerId.TryParse(text, out PeerId? id)) throw new UsageException($"PEER cannot be '{text}': it takes a peer id such as 12D3Koo….");
            await using OverlayNode node = await DhtCommand.StartAsync(invocation, invocation.Read(options));
            PeerInfo found = await node.Discovery.FindPeerAsync(id, invocation.Stop) ?? throw new RefusalException($"nobody knows {id}");
            invocation.Output.Write(new Found("peer", found));
            return ExitCode.Done;
        }, $"overlay dht find-peer 12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN --bootstrap {PeerProbe.ExampleAddress}");
    }

    internal static Command CreateFindProviders(CommandTree tree)
    {
        var key = new Argument<string>("KEY") { Description = "A region such as DE, or a sha2-256 multihash in hexadecimal." };
        var command = new Command("find-providers", "Find the exits of a region, or whoever provides a key; prints each as it is found.") { key };
        var options = DhtCommand.Options(command);
        return tree.Complete(command, async invocation =>
        {
            ReadOnlyMemory<byte> wanted = DhtCommand.ReadKey(invocation.Get(key));
            await using OverlayNode node = await DhtCommand.StartAsync(invocation, invocation.Read(options));
            int count = 0;
            await foreach (PeerInfo found in node.Discovery.FindProvidersAsync(wanted, invocation.Stop))
            {
                count++;
                invocation.Output.Write(new Found("provider", found));
            }

            return count != 0 ? ExitCode.Done : throw new RefusalException("nobody was found who provides it");
        }, $"overlay dht find-providers DE --bootstrap {PeerProbe.ExampleAddress}");
    }

    private sealed class Found(string what, PeerInfo peer) : IMessage
    {
        public string Event => what;

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, peer.PeerId.ToString());
            json.WriteStartArray("addresses"u8);
            foreach (Multiaddr address in peer.ListenAddresses) json.WriteStringValue(address.ToString());
            json.WriteEndArray();
        }

        public void WriteText(TextPage page)
        {
            page.Field("PeerId", peer.PeerId.ToString());
            foreach (Multiaddr address in peer.ListenAddresses) page.Field("address", address.ToString());
        }
    }
}
