using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Commands;

/// <summary><c>overlay ledger show</c>: one session with all its receipts.</summary>
internal static class LedgerShowCommand
{
    internal static Command Create(CommandTree tree)
    {
        var prefix = new Argument<string>("SESSION-PREFIX") { Description = "The first hexadecimal digits of the session's id, as many as make it the only one." };
        var command = new Command("show", "Show one session with all its receipts.") { prefix };
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, async invocation =>
        {
            string digits = invocation.Get(prefix);
            if (digits.Length is 0 or > 64 || !digits.All(char.IsAsciiHexDigit))
                throw new UsageException($"SESSION-PREFIX cannot be '{digits}': it takes 1 to 64 hexadecimal digits.");
            await using SqliteLedgerStore store = await LedgerCommand.OpenAsync(invocation, options);
            IReadOnlyList<SessionRecord> sessions = await FindAsync(store, digits, invocation.Stop);
            foreach (SessionRecord session in sessions)
            {
                invocation.Output.Write(new SessionHead(session));
                var receipts = new List<ReceiptLine>();
                await foreach (ReceiptEntry entry in store.ReadReceiptsAsync(session.SessionId, invocation.Stop))
                    if (entry.Role == session.Role) receipts.Add(new ReceiptLine(entry));
                invocation.Output.WriteTable(ReceiptLine.Columns, receipts);
            }

            return ExitCode.Done;
        }, "overlay ledger show 1f2e3d4c5b6a");
    }

    /// <summary>The one session with that beginning: in both roles if its two ends share the ledger.</summary>
    private static async Task<IReadOnlyList<SessionRecord>> FindAsync(SqliteLedgerStore store, string digits, CancellationToken cancellationToken)
    {
        var found = new List<SessionRecord>();
        await foreach (SessionRecord session in store.ReadSessionsAsync(cancellationToken))
            if (session.SessionId.ToString().StartsWith(digits, StringComparison.OrdinalIgnoreCase)) found.Add(session);
        int count = found.Select(session => session.SessionId).Distinct().Count();
        return count switch
        {
            0 => throw new RefusalException($"no session begins with {digits}"),
            1 => found,
            _ => throw new RefusalException($"{count} sessions begin with {digits}; give more digits"),
        };
    }

    private sealed class SessionHead(SessionRecord session) : IMessage
    {
        public string Event => "session";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("sessionId"u8, session.SessionId.ToString());
            json.WriteString("role"u8, Names.Of(session.Role));
            json.WriteString("counterparty"u8, Names.Peer(session.Counterparty));
            json.WriteString("state"u8, Names.Of(session.State));
            json.WriteNumber("pricePerGiB"u8, Units.FromMicroCredits(session.PricePerGiB));
            json.WriteNumber("creditWindow"u8, session.CreditWindow);
            json.WriteNumber("leg"u8, session.Leg);
            json.WriteNumber("countedUp"u8, session.Counted.Up);
            json.WriteNumber("countedDown"u8, session.Counted.Down);
            json.WriteBoolean("countedExactly"u8, session.CountedExactly);
            json.WriteNumber("openedAt"u8, session.OpenedAt);
        }

        public void WriteText(TextPage page)
        {
            page.Heading($"Session {session.SessionId}");
            page.Field("role", Names.Of(session.Role));
            page.Field("with", Names.Peer(session.Counterparty));
            page.Field("state", Names.Of(session.State));
            page.Field("price", $"{Units.Credits(Units.FromMicroCredits(session.PricePerGiB))} credits a GiB, credit window {Units.Size(session.CreditWindow)}");
            page.Field("counted", $"leg {session.Leg}: {Units.Count(session.Counted.Up)} B up, {Units.Count(session.Counted.Down)} B down{(session.CountedExactly ? "" : ", at least")}");
            page.Field("opened", Units.Time(session.OpenedAt));
        }
    }
}
