namespace Overlay.Transport.Identity;

/// <summary>Why a file is not used as an identity.</summary>
public enum PeerIdentityFileError
{
    /// <summary>The file is no Ed25519 key in libp2p's encoding.</summary>
    Format = 1,

    /// <summary>Others than the owner may read or change the file.</summary>
    Permissions,
}

/// <summary>A file is not used as an identity. The message says why and what to do.</summary>
public sealed class PeerIdentityFileException : IOException
{
    private PeerIdentityFileException(PeerIdentityFileError reason, string path, string message)
        : base(message)
    {
        Reason = reason;
        Path = path;
    }

    /// <summary>Why.</summary>
    public PeerIdentityFileError Reason { get; }

    /// <summary>The file.</summary>
    public string Path { get; }

    internal static PeerIdentityFileException Format(string path, string why) => new(
        PeerIdentityFileError.Format,
        path,
        $"'{path}' is not an identity: {why}. Restore it from a copy, or move it away and a new identity, with a new peer id, is made.");

    internal static PeerIdentityFileException Permissions(string path) => new(
        PeerIdentityFileError.Permissions,
        path,
        $"'{path}' holds a secret key that others than its owner may read or change. Run: chmod 600 '{path}'. If others use this host, move the file away for a new identity.");
}
