using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Commands;

/// <summary><c>overlay ledger list</c>: the newest receipt of every leg, which says all of it.</summary>
internal static class LedgerListCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("list", "List every session's legs by their newest receipt. A session shows once it has a receipt.");
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, async invocation =>
        {
            await using SqliteLedgerStore store = await LedgerCommand.OpenAsync(invocation, options);
            invocation.Output.WriteTable(LegRow.Columns, await ReadAsync(store, invocation.Stop));
            return ExitCode.Done;
        }, "overlay ledger list", "overlay ledger list --data /var/lib/overlay --json");
    }

    /// <summary>The newest receipt of each leg with its session, in the order in which the legs began.</summary>
    internal static async Task<IReadOnlyList<LegRow>> ReadAsync(ILedgerStore store, CancellationToken cancellationToken)
    {
        // Receipts first: a node that runs may add to either meanwhile, and a receipt's session is always there before it.
        var newest = new OrderedDictionary<(Digest Session, LedgerRole Role, uint Leg), ReceiptEntry>();
        await foreach (ReceiptEntry entry in store.ReadReceiptsAsync(null, cancellationToken))
            newest[(entry.Receipt.Body.SessionId, entry.Role, entry.Receipt.Body.Leg)] = entry;
        var states = new Dictionary<(Digest Session, LedgerRole Role), SessionState>();
        await foreach (SessionRecord session in store.ReadSessionsAsync(cancellationToken)) states[(session.SessionId, session.Role)] = session.State;
        return [.. newest.Select(leg => new LegRow(leg.Value, states[(leg.Key.Session, leg.Key.Role)]))];
    }
}

/// <summary>A leg as <c>ledger list</c> and <c>demo</c> tell it.</summary>
internal sealed class LegRow(ReceiptEntry newest, SessionState state) : IRow
{
    private readonly ReceiptLine _line = new(newest);

    internal static IReadOnlyList<Column> Columns { get; } =
        [new("session"), new("leg", true), new("role"), new("state"), new("receipts", true), new("up", true), new("down", true), new("credits", true), new("counterparty")];

    internal ReceiptEntry Newest => newest;

    public string Event => "leg";

    public IReadOnlyList<string> Cells =>
    [
        Names.Short(newest.Receipt.Body.SessionId),
        newest.Receipt.Body.Leg.ToString(CultureInfo.InvariantCulture),
        Names.Of(newest.Role),
        Names.Of(state),
        // Sequences begin at 0.
        (newest.Receipt.Body.Sequence + 1).ToString(CultureInfo.InvariantCulture),
        Units.Size(newest.Opening.Up),
        Units.Size(newest.Opening.Down),
        Units.Credits(Units.Cost(newest.Opening.Total, newest.Receipt.Body.PricePerGiB)),
        Names.ShortPeer(newest.Role == LedgerRole.Provider ? newest.Receipt.Body.Consumer : newest.Receipt.Body.Provider),
    ];

    public void WriteJson(Utf8JsonWriter json)
    {
        _line.WriteJson(json);
        json.WriteString("state"u8, Names.Of(state));
    }
}
