namespace Overlay.Counterparties;

/// <summary>The stream protocol of this room: docs/protocols/ledger.md, Exchange.</summary>
internal static class LedgerProtocol
{
    internal const string Name = "/overlay/ledger/1";
}
