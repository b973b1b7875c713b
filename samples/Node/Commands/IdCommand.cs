using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay id</c>: the node's name, made if there is none.</summary>
internal static class IdCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("id", "Show this node's PeerId and wallet address; makes the key if there is none.");
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, invocation =>
        {
            string file = DataFolder.KeyFile(DataFolder.Of(invocation.Read(options)));
            using PeerIdentity identity = PeerIdentityFile.LoadOrCreate(file);
            invocation.Output.Write(new Answer(identity, file));
            return Task.FromResult(ExitCode.Done);
        }, "overlay id", "overlay id --data /var/lib/overlay --json");
    }

    /// <summary>Who the node is. The wallet address is the Ed25519 public key in hexadecimal: the key that signs receipts is the one that is paid.</summary>
    private sealed class Answer(PeerIdentity identity, string file) : IMessage
    {
        private readonly string _wallet = Convert.ToHexStringLower(identity.PublicKey.Data.Span);

        public string Event => "id";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, identity.PeerId.ToString());
            json.WriteString("wallet"u8, _wallet);
            json.WriteString("keyFile"u8, file);
        }

        public void WriteText(TextPage page)
        {
            page.Field("PeerId", identity.PeerId.ToString());
            page.Field("wallet", _wallet);
            page.Field("key file", file);
        }
    }
}
