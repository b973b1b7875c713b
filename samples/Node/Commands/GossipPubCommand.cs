using System.CommandLine;
using System.Text;
using System.Text.Json;
using Overlay.Node.Output;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay gossip pub</c>: one message to a topic.</summary>
internal static class GossipPubCommand
{
    // As long as a peer may need to say what it takes.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // A peer's subscriptions come unasked and are no event; looking is cheap.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    internal static Command Create(CommandTree tree)
    {
        var command = new Command("pub", "Send one message to a topic.");
        var options = new GossipOptionsOfCommand(command);
        var text = new Argument<string>("TEXT") { Description = "What to say." };
        command.Arguments.Add(text);
        return tree.Complete(
            command, invocation => RunAsync(invocation, options, invocation.Get(text)), $"overlay gossip pub news \"hello\" --connect {PeerProbe.ExampleAddress}");
    }

    private static async Task<int> RunAsync(Invocation invocation, GossipOptionsOfCommand options, string text)
    {
        string topic = options.Topic(invocation);
        await using OverlayNode node = await options.StartAsync(invocation);
        await options.ConnectAsync(invocation, node);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(invocation.Stop);
        patience.CancelAfter(s_patience);
        try
        {
            while (node.Gossip!.PeersOf(topic).Count == 0) await Task.Delay(s_look, patience.Token);
        }
        catch (OperationCanceledException) when (!invocation.Stop.IsCancellationRequested)
        {
            throw new RefusalException($"no peer takes the messages of '{topic}'");
        }

        int peers = await node.Gossip.PublishAsync(topic, Encoding.UTF8.GetBytes(text), invocation.Stop);
        invocation.Output.Write(new Published(node.PeerId, topic, peers));
        return ExitCode.Done;
    }

    private sealed class Published(PeerId self, string topic, int peers) : IMessage
    {
        public string Event => "published";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, self.ToString());
            json.WriteString("topic"u8, topic);
            json.WriteNumber("peers"u8, peers);
        }

        public void WriteText(TextPage page) => page.Good($"Sent to {peers} {(peers == 1 ? "peer" : "peers")}.");
    }
}
