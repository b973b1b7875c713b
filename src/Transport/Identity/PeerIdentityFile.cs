using System.Security.Cryptography;
using Overlay.Transport.Crypto;

namespace Overlay.Transport.Identity;

/// <summary>Keeps a <see cref="PeerIdentity"/> in a file that only its owner can read.</summary>
/// <remarks>
/// The file holds libp2p's protobuf <c>PrivateKey</c> (peer-ids specification, "Keys"), so other tools can use it. It is made under another name,
/// flushed to disk and then given its own: a crash leaves the whole key or none, and of several processes at once all get the key of one.
/// </remarks>
public static class PeerIdentityFile
{
    // 08 01 | 12 40 | seed (32) | public key (32): type Ed25519, then 64 bytes of data.
    private const int FileSize = 68, SeedOffset = 4, PublicKeyOffset = SeedOffset + Ed25519.SeedSize;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode GroupOrOther =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private static ReadOnlySpan<byte> Header => [0x08, 0x01, 0x12, 0x40];

    /// <summary>Loads the identity at <paramref name="path"/>, or makes a new one and stores it there. Folders that are missing are made for the owner alone.</summary>
    /// <exception cref="PeerIdentityFileException">The file is there and is not to be used; it is left as it is.</exception>
    /// <exception cref="IOException">The file system refused.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read or write there.</exception>
    public static PeerIdentity LoadOrCreate(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string fullPath = Path.GetFullPath(path);
        if (File.Exists(fullPath)) return Load(fullPath);
        CreateFolder(Path.GetDirectoryName(fullPath));
        var identity = PeerIdentity.Generate();
        if (TryStore(fullPath, identity)) return identity;

        // Another process was faster. Its key is the one that lasts.
        identity.Dispose();
        return Load(fullPath);
    }

    /// <summary>Loads the identity at <paramref name="path"/>.</summary>
    /// <exception cref="PeerIdentityFileException">The file holds no Ed25519 key in libp2p's encoding, or others may read it.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file system refused.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static PeerIdentity Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Span<byte> content = stackalloc byte[FileSize];
        try
        {
            using FileStream file = File.OpenRead(path);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & GroupOrOther) != 0) throw PeerIdentityFileException.Permissions(path);
            if (file.Length != FileSize) throw PeerIdentityFileException.Format(path, $"it has {file.Length} bytes and not {FileSize}");
            file.ReadExactly(content);
            if (!content.StartsWith(Header)) throw PeerIdentityFileException.Format(path, "it does not begin as an Ed25519 key does");
            var identity = PeerIdentity.FromSeed(content.Slice(SeedOffset, Ed25519.SeedSize));
            if (content[PublicKeyOffset..].SequenceEqual(identity.PublicKey.Data.Span)) return identity;
            identity.Dispose();
            throw PeerIdentityFileException.Format(path, "its public key does not belong to its private key");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    private static void CreateFolder(string? folder)
    {
        if (string.IsNullOrEmpty(folder) || Directory.Exists(folder)) return;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
    }

    // Gives the finished file its name, once and for all; false when another process's file has it by now.
    private static bool Publish(string temporary, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            // Here this is one step of the file system's.
            File.Move(temporary, path, overwrite: false);
            return true;
        }

        if (!UnixFiles.TryLink(temporary, path, out bool isTaken)) File.Move(temporary, path, overwrite: false);
        if (isTaken) return false;
        UnixFiles.FlushFolder(Path.GetDirectoryName(path)!);
        return true;
    }

    // False when a file is there by now.
    private static bool TryStore(string path, PeerIdentity identity)
    {
        string temporary = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp";
        byte[] content = new byte[FileSize];
        try
        {
            Header.CopyTo(content);
            identity.ExportSeed(content.AsSpan(SeedOffset, Ed25519.SeedSize));
            identity.PublicKey.Data.Span.CopyTo(content.AsSpan(PublicKeyOffset));
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            return Publish(temporary, path);
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
            File.Delete(temporary);
        }
    }
}
