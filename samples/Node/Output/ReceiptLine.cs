using System.Globalization;
using System.Text.Json;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Transport.Identity;

namespace Overlay.Node.Output;

/// <summary>A receipt as commands tell it, live or from the disk: alike everywhere.</summary>
internal sealed class ReceiptLine(ReceiptEntry entry) : IMessage, IRow
{
    internal static IReadOnlyList<Column> Columns { get; } =
        [new("leg", true), new("receipt", true), new("up", true), new("down", true), new("credits", true), new("signed by"), new("issued")];

    private readonly ReceiptBody _body = entry.Receipt.Body;

    public string Event => "receipt";

    public IReadOnlyList<string> Cells =>
    [
        _body.Leg.ToString(CultureInfo.InvariantCulture),
        _body.Sequence.ToString(CultureInfo.InvariantCulture),
        Units.Size(entry.Opening.Up),
        Units.Size(entry.Opening.Down),
        Units.Credits(Cost),
        (entry.Receipt.IsCountersigned ? "both" : "consumer only") + (_body.Final ? ", final" : ""),
        Units.Time(_body.IssuedAt),
    ];

    private decimal Cost => Units.Cost(entry.Opening.Total, _body.PricePerGiB);

    private PublicKey Counterparty => entry.Role == LedgerRole.Provider ? _body.Consumer : _body.Provider;

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("sessionId"u8, _body.SessionId.ToString());
        json.WriteNumber("leg"u8, _body.Leg);
        json.WriteString("role"u8, Names.Of(entry.Role));
        json.WriteString("counterparty"u8, Names.Peer(Counterparty));
        json.WriteNumber("seq"u8, _body.Sequence);
        json.WriteBoolean("final"u8, _body.Final);
        json.WriteBoolean("countersigned"u8, entry.Receipt.IsCountersigned);
        json.WriteNumber("up"u8, entry.Opening.Up);
        json.WriteNumber("down"u8, entry.Opening.Down);
        json.WriteNumber("pricePerGiB"u8, Units.FromMicroCredits(_body.PricePerGiB));
        json.WriteNumber("credits"u8, Cost);
        json.WriteNumber("issuedAt"u8, _body.IssuedAt);
        json.WriteString("hash"u8, entry.Receipt.Hash.ToString());
    }

    public void WriteText(TextPage page) => page.Line(
        $"{Units.Time(_body.IssuedAt)}  {(entry.Role == LedgerRole.Provider ? "sold to" : "bought from")} {Names.Peer(Counterparty)}: "
        + $"{Units.Size(entry.Opening.Total)} for {Units.Credits(Cost)} credits (session {Names.Short(_body.SessionId)}, receipt {_body.Sequence}{(_body.Final ? ", final" : "")})");
}

/// <summary>How things of the ledger are called.</summary>
internal static class Names
{
    internal static string Of(LedgerRole role) => role switch { LedgerRole.Provider => "provider", LedgerRole.Consumer => "consumer", _ => "unknown" };

    internal static string Of(SessionState state) => state switch
    {
        SessionState.Open => "open",
        SessionState.Settled => "settled",
        SessionState.Closed => "closed",
        SessionState.Disputed => "disputed",
        _ => "unknown",
    };

    internal static string Of(ClaimStatement statement) => statement.Kind switch
    {
        ClaimStatementKind.ExactTotal => $"exactly {Units.Size(statement.Value)} in all ({Units.Count(statement.Value)} bytes)",
        ClaimStatementKind.MinimumTotal => $"at least {Units.Size(statement.Value)} in all ({Units.Count(statement.Value)} bytes)",
        _ => "no amount is negative or absurd: each lies in [0, 2^64)",
    };

    /// <summary>The PeerId of the key, which is how its owner is called on the network.</summary>
    internal static string Peer(PublicKey key) => PeerPublicKey.FromEd25519(key.Bytes).ToPeerId().ToString();

    /// <summary>The end of the PeerId, for tables; the beginnings are all alike.</summary>
    internal static string ShortPeer(PublicKey key) => "…" + Peer(key)[^10..];

    /// <summary>Enough of a session's id to tell it from others by eye; <c>ledger show</c> takes it.</summary>
    internal static string Short(Digest sessionId) => sessionId.ToString()[..12];
}
