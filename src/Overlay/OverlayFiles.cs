namespace Overlay;

/// <summary>What the files in a node's data folder are called.</summary>
internal static class OverlayFiles
{
    internal const string Key = "identity.key";

    internal const string Ledger = "ledger.db";
}
