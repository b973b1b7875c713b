using Overlay.Transport;

namespace Overlay.Sharing;

/// <summary>Small files of a data folder that only its owner can read, each replaced as a whole.</summary>
internal static class OwnerFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Reads a file whole; null where there is none.</summary>
    /// <exception cref="IOException">It is larger than <paramref name="maxSize"/>, or the file system refused.</exception>
    internal static byte[]? Find(string path, int maxSize)
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
    }

    /// <summary>Writes a file under another name, brings it to disk and then puts it in the place of the one before: a crash leaves the one or the
    /// other.</summary>
    internal static void Replace(string path, ReadOnlySpan<byte> content)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = Path.Combine(folder, Path.GetRandomFileName() + ".tmp");
        try
        {
            using (FileStream file = Create(temporary, FileMode.CreateNew))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            DurableFolders.Flush(folder);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Opens a file for writing, made for the owner alone.</summary>
    internal static FileStream Create(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }
}
