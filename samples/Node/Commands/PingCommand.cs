using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Output;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay ping</c>: five round trips.</summary>
internal static class PingCommand
{
    private const int Count = 5;

    internal static Command Create(CommandTree tree)
    {
        var command = new Command("ping", $"Measure {Count} round trips to a peer of any libp2p implementation.");
        var probe = new PeerProbe(command);
        return tree.Complete(command, invocation => probe.RunAsync(invocation, async (host, connection) =>
        {
            int number = 0;
            await foreach (TimeSpan roundTrip in host.PingAsync(connection, Count, invocation.Stop))
                invocation.Output.Write(new Answer(connection.RemotePeer, ++number, roundTrip));
        }), $"overlay ping {PeerProbe.ExampleAddress}");
    }

    private sealed class Answer(PeerId peer, int number, TimeSpan roundTrip) : IMessage
    {
        public string Event => "ping";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, peer.ToString());
            json.WriteNumber("number"u8, number);
            json.WriteNumber("milliseconds"u8, roundTrip.TotalMilliseconds);
        }

        public void WriteText(TextPage page) => page.Line($"{number}/{Count} from {peer}: {Units.Milliseconds(roundTrip)}");
    }
}
