using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Proofs;
using Overlay.Sharing;

namespace Overlay.Node.Commands;

/// <summary><c>overlay block</c>: the consumers that are not served.</summary>
internal static class BlockCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("block", "Stop serving a consumer, whose name stands in the log of targets and in the ledger; works while the node runs.")
        {
            CreateChange(tree, "add", "Serve a consumer no more: what it has open is cut, and it opens no more sessions.", "blocked", BlockedConsumers.Add),
            CreateChange(tree, "remove", "Serve a consumer again.", "unblocked", BlockedConsumers.Remove),
            CreateList(tree),
        };
        return tree.Complete(command, "overlay block list", $"overlay block add {PeerProbe.ExamplePeer}");
    }

    private static Command CreateChange(CommandTree tree, string name, string description, string done, Func<string, PublicKey, bool> change)
    {
        var key = new Argument<string>("KEY") { Description = "The consumer's PeerId, or its key in hexadecimal digits." };
        var command = new Command(name, description) { key };
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, invocation =>
        {
            PublicKey consumer = ConsumerKey.Read("KEY", invocation.Get(key));
            string folder = DataFolder.Of(invocation.Read(options));
            if (!Directory.Exists(folder)) throw new RefusalException($"there is no folder {folder}; name the node's with --data");
            invocation.Output.Write(new Change(done, consumer, change(folder, consumer)));
            return Task.FromResult(ExitCode.Done);
        }, $"overlay block {name} {PeerProbe.ExamplePeer}");
    }

    private static Command CreateList(CommandTree tree)
    {
        var command = new Command("list", "List the consumers that are not served.");
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, invocation =>
        {
            IReadOnlySet<PublicKey> keys = BlockedConsumers.Read(DataFolder.Of(invocation.Read(options)));
            invocation.Output.WriteTable(Row.Columns, [.. keys.Order().Select(key => new Row(key))]);
            return Task.FromResult(ExitCode.Done);
        }, "overlay block list --json");
    }

    private sealed class Change(string done, PublicKey consumer, bool isNew) : IMessage
    {
        public string Event => done;

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, Names.Peer(consumer));
            json.WriteString("key"u8, consumer.ToString());
            json.WriteBoolean("changed"u8, isNew);
        }

        public void WriteText(TextPage page) => page.Line($"{Names.Peer(consumer)} is {done}{(isNew ? "" : " already")}.");
    }

    private sealed class Row(PublicKey key) : IRow
    {
        internal static IReadOnlyList<Column> Columns { get; } = [new("consumer"), new("key")];

        public string Event => "blocked";

        public IReadOnlyList<string> Cells => [Names.Peer(key), key.ToString()];

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, Names.Peer(key));
            json.WriteString("key"u8, key.ToString());
        }
    }
}
