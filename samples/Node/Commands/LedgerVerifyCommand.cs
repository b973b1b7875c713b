using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Commands;

/// <summary><c>overlay ledger verify</c>: every signature, hash and total, offline; names the first thing wrong.</summary>
internal static class LedgerVerifyCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("verify", "Check every signature, hash and total offline; names the first thing wrong and exits 1.");
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, async invocation =>
        {
            LedgerVerdict verdict = await LedgerVerifier.VerifyFileAsync(LedgerCommand.Find(invocation.Read(options)), invocation.Stop);
            invocation.Output.Write(new Answer(verdict));
            return verdict.FirstFault is { } fault ? throw new RefusalException(fault) : ExitCode.Done;
        }, "overlay ledger verify", "overlay ledger verify --data /var/lib/overlay --json");
    }

    private sealed class Answer(LedgerVerdict verdict) : IMessage
    {
        public string Event => "verdict";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteBoolean("sound"u8, verdict.IsSound);
            json.WriteString("firstFault"u8, verdict.FirstFault);
            json.WriteNumber("sessions"u8, verdict.SessionCount);
            json.WriteNumber("receipts"u8, verdict.ReceiptCount);
            json.WriteNumber("countersigned"u8, verdict.CountersignedCount);
            WriteTotal(json, "provided"u8, verdict.Provided);
            WriteTotal(json, "consumed"u8, verdict.Consumed);
        }

        // What is wrong follows as the reason on standard error.
        public void WriteText(TextPage page)
        {
            string read = $"{Units.Count(verdict.SessionCount, "session")}, {Units.Count(verdict.ReceiptCount, "receipt")}, {Units.Count((ulong)verdict.CountersignedCount)} of them signed by both";
            if (verdict.IsSound) page.Good($"The ledger is sound: {read}.");
            else page.Bad($"The ledger is not sound. Read so far: {read}.");
            page.Field("sold", Describe(verdict.Provided));
            page.Field("bought", Describe(verdict.Consumed));
        }

        private static string Describe(ServiceTotal total) => string.Create(CultureInfo.InvariantCulture, $"{total.Up:#,0} B up, {total.Down:#,0} B down");

        private static void WriteTotal(Utf8JsonWriter json, ReadOnlySpan<byte> name, ServiceTotal total)
        {
            json.WriteStartObject(name);
            // Beyond 64 bits only in a ledger of exabytes; JSON numbers have no width.
            json.WritePropertyName("up"u8);
            json.WriteRawValue(total.Up.ToString(CultureInfo.InvariantCulture));
            json.WritePropertyName("down"u8);
            json.WriteRawValue(total.Down.ToString(CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }
    }
}
