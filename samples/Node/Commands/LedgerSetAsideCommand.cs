using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Commands;

/// <summary><c>overlay ledger set-aside</c>: a damaged ledger makes room for a new one and is kept as it is.</summary>
internal static class LedgerSetAsideCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("set-aside", "Move a damaged ledger out of the way, unchanged, so that the node can begin a new one. A sound one stays.");
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, async invocation =>
        {
            string path = LedgerCommand.Find(invocation.Read(options));
            invocation.Output.Write(new Answer(await SqliteLedgerStore.SetAsideAsync(path, invocation.Stop)));
            return ExitCode.Done;
        }, "overlay ledger set-aside --data /var/lib/overlay");
    }

    private sealed class Answer(string file) : IMessage
    {
        public string Event => "set-aside";

        public void WriteJson(Utf8JsonWriter json) => json.WriteString("file"u8, file);

        public void WriteText(TextPage page)
        {
            page.Line($"The damaged ledger is now {file}; keep it. The node begins a new one when it starts.");
            page.Line("Counterparties tell it then how far its chain of blocks had come, and it goes on from there.");
        }
    }
}
