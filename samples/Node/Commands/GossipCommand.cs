using System.CommandLine;
using Overlay.Gossip;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay gossip</c>: topics and their messages, with any gossipsub peer.</summary>
internal static class GossipCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("gossip", "Take or send the messages of a topic.")
        {
            GossipSubCommand.Create(tree),
            GossipPubCommand.Create(tree),
        };
        return tree.Complete(command, $"overlay gossip sub news --connect {PeerProbe.ExampleAddress}");
    }
}

/// <summary>What both commands take, and the node that they run.</summary>
internal sealed class GossipOptionsOfCommand
{
    private readonly Argument<string> _topic = new("TOPIC") { Description = "The topic's name." };

    private readonly Option<string[]> _connect = new("--connect")
    {
        HelpName = "ADDR",
        Description = "A peer to gossip with, a multiaddr ending in /p2p/ and its PeerId; may be given several times.",
    };

    private readonly Option<string[]> _listen = new("--listen") { HelpName = "ADDR", Description = "A multiaddr to listen on, such as /ip4/0.0.0.0/tcp/4001." };

    private readonly Option<bool> _js = new("--js-ids") { Description = "Make message ids as js-libp2p does by default, not as the specification has it." };

    internal GossipOptionsOfCommand(Command command)
    {
        command.Arguments.Add(_topic);
        command.Options.Add(_connect);
        command.Options.Add(_listen);
        command.Options.Add(_js);
    }

    internal string Topic(Invocation invocation) => invocation.Get(_topic) is { Length: > 0 } topic ? topic : throw new UsageException("TOPIC cannot be empty.");

    /// <summary>A node that gossips and nothing else, under a key made for the occasion.</summary>
    internal async Task<OverlayNode> StartAsync(Invocation invocation)
    {
        IReadOnlyList<string> listen = invocation.GetAll(_listen);
        foreach (string address in listen)
            if (!Multiaddr.TryParse(address, out _)) throw new UsageException($"--listen cannot be '{address}': it takes a multiaddr such as /ip4/0.0.0.0/tcp/4001.");
        var options = new OverlayOptions
        {
            Listen = listen,
            Gossip = new GossipOptions { MessageIds = invocation.Has(_js) ? GossipMessageIds.KeyAndSequence : GossipMessageIds.FromAndSequence },
        };
        return await OverlayNode.StartAsync(options, new OverlayServices { LoggerFactory = invocation.Logging }, invocation.Stop);
    }

    /// <exception cref="UsageException">An address names no peer.</exception>
    /// <exception cref="ConnectionException">A peer could not be reached.</exception>
    internal async Task ConnectAsync(Invocation invocation, OverlayNode node)
    {
        foreach (string text in invocation.GetAll(_connect))
        {
            if (!Multiaddr.TryParse(text, out Multiaddr? address) || address.PeerId is null)
                throw new UsageException($"--connect cannot be '{text}': it takes a multiaddr that ends in /p2p/ and a PeerId, such as {PeerProbe.ExampleAddress}.");
            await node.Peers.ConnectAsync(address, invocation.Stop);
        }
    }
}
