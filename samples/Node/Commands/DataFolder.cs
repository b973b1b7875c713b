using Overlay.Node.Configuration;

namespace Overlay.Node.Commands;

/// <summary>Where a node's files are.</summary>
internal static class DataFolder
{
    private const string KeyFileName = "identity.key", LedgerFileName = "ledger.db";

    internal static string KeyFile(string folder) => Path.Combine(folder, KeyFileName);

    internal static string LedgerFile(string folder) => Path.Combine(folder, LedgerFileName);

    /// <summary>The folder that the settings name, or the user's own for application data.</summary>
    /// <exception cref="UsageException">No folder is named, and the user has none.</exception>
    internal static string Of(SettingValues settings)
    {
        if (settings.FindObject(Settings.Data) is { } named) return Path.GetFullPath(named);
        string own = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return own.Length > 0 ? Path.Combine(own, "overlay") : throw new UsageException("--data must name a folder: this user has none for application data.");
    }
}
