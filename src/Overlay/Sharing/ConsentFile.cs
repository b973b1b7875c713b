using Overlay.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Sharing;

/// <summary>The record of consent in a data folder.</summary>
internal static class ConsentFile
{
    internal const string Name = "consent";

    // The body with its signature and their headers.
    private const int MaxSize = SharingConsent.MaxBodySize + 128;

    internal static string PathIn(string folder) => Path.Combine(folder, Name);

    /// <summary>The record that a key has signed, null where there is no file.</summary>
    /// <exception cref="OverlayException">The file cannot be read, or is no record of this key.</exception>
    internal static SharingConsent? Find(string folder, PublicKey node)
    {
        byte[]? bytes = WithFolder(() => OwnerFiles.Find(PathIn(folder), MaxSize));
        if (bytes is null) return null;
        return SharingConsent.TryOpen(bytes, node, out SharingConsent? consent)
            ? consent
            : throw new OverlayException(OverlayError.NoConsent,
                $"{PathIn(folder)} is no consent of this node's key. Remove it, and give consent anew to share.");
    }

    /// <summary>Stores a record in the place of the one before, durably.</summary>
    internal static void Store(string folder, SharingConsent consent) => WithFolder(() =>
    {
        OwnerFiles.Replace(PathIn(folder), consent.Encoded);
        return true;
    });

    /// <summary>The folder's key; null where there is none.</summary>
    internal static PeerIdentity? FindIdentity(string folder)
    {
        string path = Path.Combine(folder, OverlayFiles.Key);
        return File.Exists(path) ? WithFolder(() => PeerIdentityFile.Load(path)) : null;
    }

    /// <summary>Says what goes wrong with a data folder in the library's own words.</summary>
    internal static T WithFolder<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException and not OverlayException or UnauthorizedAccessException)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }
}
