using System.CommandLine;
using Overlay.Node.Configuration;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Commands;

/// <summary><c>overlay ledger</c>: what is on disk. Read-only, also while a node runs; <c>set-aside</c> needs it stopped.</summary>
internal static class LedgerCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("ledger", "Look at the receipts on disk; works while the node runs.")
        {
            LedgerListCommand.Create(tree),
            LedgerShowCommand.Create(tree),
            LedgerVerifyCommand.Create(tree),
            LedgerExportCommand.Create(tree),
            LedgerForksCommand.Create(tree),
            LedgerSetAsideCommand.Create(tree),
        };
        return tree.Complete(command, "overlay ledger list", "overlay ledger verify --data /var/lib/overlay");
    }

    /// <summary>The ledger's file in the data folder that the settings name.</summary>
    /// <exception cref="RefusalException">There is none.</exception>
    internal static string Find(SettingValues settings)
    {
        string file = DataFolder.LedgerFile(DataFolder.Of(settings));
        return File.Exists(file) ? file : throw new RefusalException($"there is no ledger at {file}; name the node's folder with --data");
    }

    /// <summary>Opens it for reading.</summary>
    /// <exception cref="LedgerException">It is no ledger, or cannot be read.</exception>
    internal static Task<SqliteLedgerStore> OpenAsync(Invocation invocation, SettingOptions options) =>
        SqliteLedgerStore.OpenReadOnlyAsync(Find(invocation.Read(options)), invocation.Stop);
}
