using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Commands;

/// <summary><c>overlay ledger export</c>: sessions and receipts as JSON lines.</summary>
internal static class LedgerExportCommand
{
    internal static Command Create(CommandTree tree)
    {
        var @out = new Option<string>("--out") { HelpName = "FILE", Description = "Write to this file, replacing it, instead of standard output." };
        var blindings = new Option<bool>("--blindings") { Description = "Add each receipt's blinding, with which anybody can check what it amounts to." };
        var consumer = new Option<string>("--consumer")
        {
            HelpName = "KEY",
            Description = "Only what this consumer was served: its PeerId, or its key in hexadecimal digits."
        };
        var command = new Command("export", "Write all sessions and receipts as JSON lines.") { @out, blindings, consumer };
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, async invocation =>
        {
            LedgerExportContent content = invocation.Has(blindings) ? LedgerExportContent.WithBlindings : LedgerExportContent.WithoutBlindings;
            PublicKey? one = invocation.Find(consumer) is { } name ? ConsumerKey.Read("--consumer", name) : null;
            await using SqliteLedgerStore store = await LedgerCommand.OpenAsync(invocation, options);
            if (invocation.Find(@out) is not { } path)
            {
                await LedgerExport.WriteAsync(store, invocation.RawOutput, content, one, invocation.Stop);
                return ExitCode.Done;
            }

            // Beside the target and then in its place: a failure half way leaves what was there.
            string whole = Path.GetFullPath(path), partial = whole + ".partial";
            long size;
            try
            {
                await using (FileStream file = File.Create(partial))
                {
                    await LedgerExport.WriteAsync(store, file, content, one, invocation.Stop);
                    size = file.Length;
                }

                File.Move(partial, whole, overwrite: true);
            }
            finally
            {
                File.Delete(partial);
            }

            invocation.Output.Write(new Answer(whole, size));
            return ExitCode.Done;
        }, "overlay ledger export --out receipts.jsonl", "overlay ledger export | jq .sessionId", $"overlay ledger export --consumer {PeerProbe.ExamplePeer}");
    }

    private sealed class Answer(string file, long size) : IMessage
    {
        public string Event => "exported";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("file"u8, file);
            json.WriteNumber("bytes"u8, size);
        }

        public void WriteText(TextPage page) => page.Line($"Wrote {Units.Size((ulong)size)} to {file}.");
    }
}
