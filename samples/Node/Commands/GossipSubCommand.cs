using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Overlay.Gossip;
using Overlay.Node.Output;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay gossip sub</c>: the messages of a topic, one by one.</summary>
internal static class GossipSubCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("sub", "Print the messages of a topic until Ctrl-C.");
        var options = new GossipOptionsOfCommand(command);
        var count = new Option<string>("--count") { HelpName = "N", Description = "End after so many messages." };
        command.Options.Add(count);
        return tree.Complete(
            command, invocation => RunAsync(invocation, options, CountOf(invocation, count)), $"overlay gossip sub news --connect {PeerProbe.ExampleAddress}");
    }

    private static async Task<int> RunAsync(Invocation invocation, GossipOptionsOfCommand options, long count)
    {
        string topic = options.Topic(invocation);
        await using OverlayNode node = await options.StartAsync(invocation);
        await using GossipSubscription messages = node.Gossip!.Subscribe(topic);
        await options.ConnectAsync(invocation, node);
        invocation.Output.Write(new Ready(node));
        try
        {
            await foreach (GossipMessage message in messages.WithCancellation(invocation.Stop))
            {
                invocation.Output.Write(new Received(message));
                if (--count == 0) break;
            }
        }
        catch (OperationCanceledException) when (invocation.Stop.IsCancellationRequested)
        {
            // Ctrl-C is how it ends.
        }

        return ExitCode.Done;
    }

    private static long CountOf(Invocation invocation, Option<string> option)
    {
        if (invocation.Find(option) is not { } text) return long.MaxValue;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count > 0
            ? count
            : throw new UsageException($"--count cannot be '{text}': it takes a number above zero.");
    }

    private sealed class Ready(OverlayNode node) : IMessage
    {
        public string Event => "ready";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, node.PeerId.ToString());
            json.WriteStartArray("addresses"u8);
            foreach (Multiaddr address in node.Addresses) json.WriteStringValue(address.ToString());
            json.WriteEndArray();
        }

        public void WriteText(TextPage page)
        {
            page.Heading($"Node {node.PeerId} listens for messages; Ctrl-C ends it.");
            foreach (Multiaddr address in node.Addresses) page.Field("peers", address.ToString());
        }
    }

    private sealed class Received(GossipMessage message) : IMessage
    {
        public string Event => "message";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("topic"u8, message.Topic);
            json.WriteString("author"u8, message.Author?.ToString());
            json.WriteString("sequence"u8, message.Sequence.ToString(CultureInfo.InvariantCulture));
            json.WriteString("id"u8, Convert.ToHexStringLower(message.Id.Span));
            json.WriteBase64String("data"u8, message.Data.Span);
        }

        public void WriteText(TextPage page) => page.Line($"{message.Author}: {Encoding.UTF8.GetString(message.Data.Span)}");
    }
}
