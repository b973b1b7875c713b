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
    public static bool Add(string dataDirectory, PublicKey consumer)
    {
        HashSet<PublicKey> keys = [.. Read(dataDirectory)];
        if (!keys.Add(consumer)) return false;
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
        HashSet<PublicKey> keys = [.. Read(dataDirectory)];
        if (!keys.Remove(consumer)) return false;
        Write(dataDirectory, keys);
        return true;
    }

    private static void Write(string folder, HashSet<PublicKey> keys) => ConsentFile.WithFolder(() =>
    {
        OwnerFiles.Replace(PathIn(folder), Encoding.UTF8.GetBytes(string.Concat(keys.Order().Select(key => $"{key}\n"))));
        return true;
    });
}
