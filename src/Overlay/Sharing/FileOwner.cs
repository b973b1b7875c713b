using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Overlay.Sharing;

/// <summary>Whose a file is, which .NET does not tell.</summary>
[SupportedOSPlatform("linux")]
internal static partial class FileOwner
{
    private const int NotPermitted = 1, NoSuchFile = 2, NoFolder = 20;

    // statx(2): from the current folder, the name itself where it is a link, the owner's numbers alone.
    private const int CurrentFolder = -100, NoFollow = 0x100;
    private const uint OwnerAndGroup = 0x08 | 0x10;

    // struct statx is the same on every architecture, which struct stat is not.
    private const int StatusSize = 256, User = 20, Group = 24;

    /// <summary>Gives an open file the owner and the group of another, or where there is none of a folder.</summary>
    /// <exception cref="IOException">The file system refused.</exception>
    internal static void Take(string path, string folder, SafeFileHandle file)
    {
        (uint user, uint group) = Find(path) ?? Find(folder) ?? throw new IOException($"'{folder}' is gone.");
        if (ChangeOwner(file, user, group) == 0) return;
        int error = Marshal.GetLastPInvokeError();
        // Who may not give files away, as in some containers, keeps them.
        if (error != NotPermitted) throw new IOException($"'{path}' cannot be given to its owner: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    private static (uint User, uint Group)? Find(string path)
    {
        Span<byte> status = stackalloc byte[StatusSize];
        if (Status(CurrentFolder, path, NoFollow, OwnerAndGroup, status) == 0)
            return (MemoryMarshal.Read<uint>(status[User..]), MemoryMarshal.Read<uint>(status[Group..]));
        int error = Marshal.GetLastPInvokeError();
        return error is NoSuchFile or NoFolder ? null : throw new IOException($"Nobody tells whose '{path}' is: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Status(int folder, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int ChangeOwner(SafeFileHandle file, uint user, uint group);
}
