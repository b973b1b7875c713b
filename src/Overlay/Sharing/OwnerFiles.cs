using Overlay.Transport;

namespace Overlay.Sharing;

/// <summary>Small files of a data folder that only its owner can read, each replaced as a whole.</summary>
internal static class OwnerFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // Nothing that an owner writes down is as large.
    private const int UsualMaxSize = 1 << 16;

    /// <summary>Reads a file whole; null where there is none.</summary>
    /// <exception cref="IOException">It is larger than <paramref name="maxSize"/>, or the file system refused.</exception>
    internal static byte[]? Find(string path, int maxSize = UsualMaxSize)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > maxSize) throw new IOException($"'{path}' has {file.Length} bytes, more than the {maxSize} that it may have.");
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Writes a file under another name, brings it to disk and then puts it in the place of the one before: a crash leaves the one or the other. Where
    /// root writes it, it is whose the one before was, or the folder, so that a service that runs as another user can read on.</summary>
    /// <param name="path">Where.</param>
    /// <param name="content">What it is to hold.</param>
    /// <param name="isDurable">Whether it has to be on disk, file and name, when this returns.</param>
    /// <exception cref="IOException">The file system refused; the file is as it was.</exception>
    internal static void Replace(string path, ReadOnlySpan<byte> content, bool isDurable = true)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = Path.Combine(folder, Path.GetRandomFileName() + ".tmp");
        try
        {
            if (!Directory.Exists(folder)) CreateFolder(folder);
            using (FileStream file = Create(temporary, FileMode.CreateNew))
            {
                if (OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess) FileOwner.Take(path, folder, file.SafeFileHandle);
                file.Write(content);
                if (isDurable) file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            if (isDurable) DurableFolders.Flush(folder);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"'{path}' cannot be written: {e.Message}", e);
        }
        finally
        {
            TryDelete(temporary);
        }
    }

    /// <summary>Deletes a file that nobody needs; one that cannot be deleted stays.</summary>
    internal static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is in nobody's way.
        }
    }

    /// <summary>Opens a file for writing, made for the owner alone.</summary>
    internal static FileStream Create(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }

    private static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
    }
}
