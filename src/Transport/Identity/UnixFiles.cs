using System.Runtime.InteropServices;

namespace Overlay.Transport.Identity;

/// <summary>What POSIX has for files and .NET has not: a name that is given only if it is free, and a folder that is flushed to disk.</summary>
internal static partial class UnixFiles
{
    private const int NotPermitted = 1, Exists = 17, ReadOnly = 0;

    /// <summary>Gives an existing file a second name, in one step.</summary>
    /// <returns>False where the file system knows no second names; true when <paramref name="isTaken"/> says how it went.</returns>
    /// <remarks><see cref="File.Move(string, string, bool)"/> looks for the new name first and renames afterwards: of two processes both may find it free.</remarks>
    /// <exception cref="IOException">The file system refused for another reason.</exception>
    internal static bool TryLink(string existing, string name, out bool isTaken)
    {
        int error = Link(existing, name) == 0 ? 0 : Marshal.GetLastPInvokeError();
        isTaken = error == Exists;
        if (error is 0 or Exists) return true;
        // EOPNOTSUPP is 95 on Linux and 102 on macOS, ENOSYS 38 and 78; FAT answers EPERM.
        if (error is NotPermitted or 95 or 102 or 38 or 78) return false;
        throw new IOException($"'{name}' cannot be made: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Brings the names in a folder to disk (fsync on the folder); a file's own flush does not.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    internal static void FlushFolder(string folder)
    {
        int descriptor = Open(folder, ReadOnly);
        // A folder that may be written but not read cannot be opened, and then has to do without.
        if (descriptor < 0) return;
        try
        {
            int error = Flush(descriptor) == 0 ? 0 : Marshal.GetLastPInvokeError();
            // EINVAL: a file system that has nothing to flush.
            if (error is not (0 or 22)) throw new IOException($"'{folder}' cannot be flushed: {Marshal.GetPInvokeErrorMessage(error)}");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
