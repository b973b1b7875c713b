using System.CommandLine;
using System.Text;
using System.Text.Json;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary><c>overlay dht put</c> and <c>get</c>: values under <c>/overlay/PEER/NAME</c>, signed by that peer.</summary>
internal static class DhtValueCommands
{
    internal static Command CreatePut(CommandTree tree)
    {
        var name = new Argument<string>("NAME") { Description = "The value's name in this node's part of the /overlay/ namespace." };
        var value = new Argument<string>("TEXT") { Description = "The value." };
        var command = new Command("put", "Sign a value and store it on the peers nearest to its key; it lasts two days there.") { name, value };
        var options = DhtCommand.Options(command);
        return tree.Complete(command, async invocation =>
        {
            await using OverlayNode node = await DhtCommand.StartAsync(invocation, invocation.Read(options));
            ReadOnlyMemory<byte> key;
            try
            {
                key = OverlayDiscovery.KeyOf(node.PeerId, invocation.Get(name));
            }
            catch (ArgumentException e)
            {
                throw new UsageException(e.Message);
            }

            int count = await node.Discovery.PublishAsync(invocation.Get(name), Encoding.UTF8.GetBytes(invocation.Get(value)), invocation.Stop);
            if (count == 0) throw new RefusalException("nobody took the value");
            invocation.Output.Write(new Stored(Encoding.ASCII.GetString(key.Span), count));
            return ExitCode.Done;
        }, $"overlay dht put greeting hello --data /var/lib/overlay --bootstrap {PeerProbe.ExampleAddress}");
    }

    internal static Command CreateGet(CommandTree tree)
    {
        var key = new Argument<string>("KEY") { Description = "The value's key, /overlay/PEER/NAME." };
        var command = new Command("get", "Read a value that a peer has signed; prints the newest that is found.") { key };
        var options = DhtCommand.Options(command);
        return tree.Complete(command, async invocation =>
        {
            string[] parts = invocation.Get(key).Split('/', 4);
            if (parts is not ["", "overlay", { } peer, { Length: > 0 } name] || !Transport.Identity.PeerId.TryParse(peer, out Transport.Identity.PeerId? id))
                throw new UsageException($"KEY cannot be '{invocation.Get(key)}': it takes /overlay/, a peer id, / and a name.");
            await using OverlayNode node = await DhtCommand.StartAsync(invocation, invocation.Read(options));
            ReadOnlyMemory<byte> value = await node.Discovery.FindPublishedAsync(id, name, invocation.Stop) ?? throw new RefusalException("nobody has a value under that key");
            invocation.Output.Write(new Value(invocation.Get(key), value));
            return ExitCode.Done;
        }, $"overlay dht get /overlay/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/greeting --bootstrap {PeerProbe.ExampleAddress}");
    }

    private sealed class Stored(string key, int count) : IMessage
    {
        public string Event => "stored";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("key"u8, key);
            json.WriteNumber("peers"u8, count);
        }

        public void WriteText(TextPage page) => page.Line($"{count} peers now keep {key}.");
    }

    private sealed class Value(string key, ReadOnlyMemory<byte> value) : IMessage
    {
        public string Event => "value";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("key"u8, key);
            json.WriteString("text"u8, Encoding.UTF8.GetString(value.Span));
            json.WriteString("hex"u8, Convert.ToHexStringLower(value.Span));
        }

        public void WriteText(TextPage page) => page.Line(Encoding.UTF8.GetString(value.Span));
    }
}
