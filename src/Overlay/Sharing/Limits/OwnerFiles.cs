using System.Security.Cryptography;
using Overlay.Transport;

namespace Overlay.Sharing.Limits;

/// <summary>The files by which limits, and what they have been used up by, outlive the node: in its data folder, for its owner alone.</summary>
internal static class OwnerFiles
{
    /// <summary>What the owner wants; written by a host app or a command, read by the node.</summary>
    internal const string Limits = "limits.json";

    /// <summary>What was used of the quotas; the node's alone.</summary>
    internal const string Usage = "usage.json";

    /// <summary>What the running node says of itself; gone when it stops.</summary>
    internal const string State = "sharing-state.json";

    // Nothing that belongs here is as large.
    private const int MaxSize = 1 << 16;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The whole of a file; null when there is none.</summary>
    /// <exception cref="IOException">It cannot be read, or is no such file.</exception>
    internal static byte[]? Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > MaxSize) throw new IOException($"{path} has {file.Length} bytes, more than the {MaxSize} that such a file can have.");
            byte[] content = new byte[file.Length];
            file.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Puts a file in the place of another, whole or not at all.</summary>
    /// <param name="path">Where.</param>
    /// <param name="content">What it is to hold.</param>
    /// <param name="isDurable">Whether it has to be on disk, file and name, when this returns.</param>
    /// <exception cref="IOException">The file system refused; the file is as it was.</exception>
    internal static void Write(string path, ReadOnlySpan<byte> content, bool isDurable)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp";
        try
        {
            if (!Directory.Exists(folder)) Create(folder);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                if (isDurable) file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            if (isDurable) DurableFolders.Flush(folder);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{path} cannot be written: {e.Message}", e);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void Create(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
    }
}
