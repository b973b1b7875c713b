using Overlay.Transport.Identity;

namespace Overlay.Transport;

/// <summary>Folders whose names outlive a power cut.</summary>
public static class DurableFolders
{
    /// <summary>Brings the names in a folder to disk (fsync on the folder): flushing a file alone does not keep its name. Does nothing on Windows, where the file system does it.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public static void Flush(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!OperatingSystem.IsWindows()) UnixFiles.FlushFolder(folder);
    }
}
