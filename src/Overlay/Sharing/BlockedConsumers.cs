using System.Text;
using Overlay.Proofs;

namespace Overlay.Sharing;

/// <summary>The consumers that a data folder's owner serves no more, as the file <c>blocked-consumers</c>: a key in hexadecimal digits a line.</summary>
public static class BlockedConsumers
{
    /// <summary>As many keys as the list may have.</summary>
    public const int MaxCount = 10_000;

    internal const string FileName = "blocked-consumers";

    // A key, a line feed, and room for comments of an editor's.
    private const int MaxFileSize = MaxCount * 128;

    // Who has the lock writes one small file.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    internal static string PathIn(string folder) => Path.Combine(folder, FileName);

    /// <summary>Reads the list; empty where there is none.</summary>
    /// <param name="dataDirectory">The node's <see cref="OverlayOptions.DataDirectory"/>.</param>
    /// <exception cref="OverlayException">The file cannot be read, or a line of it is no key.</exception>
    public static IReadOnlySet<PublicKey> Read(string dataDirectory)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        byte[] bytes = ConsentFile.WithFolder(() => OwnerFiles.Find(PathIn(dataDirectory), MaxFileSize)) ?? [];
        var keys = new HashSet<PublicKey>();
        int number = 0;
        foreach (string line in Encoding.UTF8.GetString(bytes).Split('\n'))
        {
            number++;
            string text = line.Trim();
            if (text.Length == 0 || text[0] == '#') continue;
            if (text.Length != PublicKey.Size * 2 || !text.All(char.IsAsciiHexDigit))
                throw new OverlayException(OverlayError.DataDirectory,
                    $"{PathIn(dataDirectory)}, line {number}: this is no key of {PublicKey.Size * 2} hexadecimal digits.");
            keys.Add(PublicKey.Parse(text));
        }

        return keys;
    }

    /// <summary>Adds a consumer. A node that runs on the folder notices within a second, ends its sessions and opens no more.</summary>
    /// <param name="dataDirectory">The node's folder, which must be there.</param>
    /// <param name="consumer">The consumer's key.</param>
    /// <returns>Whether it was new.</returns>
    /// <exception cref="OverlayException">The file cannot be read or written, or the list is full.</exception>
    public static bool Add(string dataDirectory, PublicKey consumer) => Add(dataDirectory, [consumer]);

    /// <summary>Adds several at once.</summary>
    /// <returns>Whether one was new.</returns>
    internal static bool Add(string dataDirectory, IReadOnlyCollection<PublicKey> consumers)
    {
        if (Read(dataDirectory).IsSupersetOf(consumers)) return false;
        using FileStream alone = Lock(dataDirectory);
        HashSet<PublicKey> keys = [.. Read(dataDirectory)];
        int before = keys.Count;
        keys.UnionWith(consumers);
        if (keys.Count == before) return false;
        if (keys.Count > MaxCount) throw new OverlayException(OverlayError.DataDirectory, $"The list of blocked consumers has {MaxCount} keys already.");
        Write(dataDirectory, keys);
        return true;
    }

    /// <summary>Takes a consumer off the list.</summary>
    /// <param name="dataDirectory">The node's folder.</param>
    /// <param name="consumer">The consumer's key.</param>
    /// <returns>Whether it was there.</returns>
    /// <exception cref="OverlayException">The file cannot be read or written.</exception>
    public static bool Remove(string dataDirectory, PublicKey consumer)
    {
        if (!Read(dataDirectory).Contains(consumer)) return false;
        using FileStream alone = Lock(dataDirectory);
        HashSet<PublicKey> keys = [.. Read(dataDirectory)];
        if (!keys.Remove(consumer)) return false;
        Write(dataDirectory, keys);
        return true;
    }

    // Two programs that change the list at once must not undo each other's change. The operating system lets go of the lock with the process, however it ends.
    private static FileStream Lock(string folder) => ConsentFile.WithFolder(() =>
    {
        string path = PathIn(folder) + ".lock";
        FileStream? file = null;
        IOException? held = null;
        bool hasIt = SpinWait.SpinUntil(() => TryOpen(path, out file, out held), s_patience);
        return hasIt ? file! : throw new IOException($"'{PathIn(folder)}' is being changed by somebody else: {held!.Message}", held);
    });

    private static bool TryOpen(string path, out FileStream? file, out IOException? held)
    {
        (file, held) = (null, null);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            file = new FileStream(path, options);
            return true;
        }
        catch (IOException e) when (e is not DirectoryNotFoundException)
        {
            held = e;
            return false;
        }
    }

    private static void Write(string folder, HashSet<PublicKey> keys) => ConsentFile.WithFolder(() =>
    {
        OwnerFiles.Replace(PathIn(folder), Encoding.UTF8.GetBytes(string.Concat(keys.Order().Select(key => $"{key}\n"))));
        return true;
    });
}
