using System.Security.Cryptography;
using System.Text;

namespace Overlay.Using;

/// <summary>A user name and password that clients of a local proxy must present. Keeps only their digests, compares in fixed time, prints neither.</summary>
public sealed class ProxyCredentials
{
    private const int MaxSize = 255; // RFC 1929, section 2

    private readonly byte[] _user;
    private readonly byte[] _password;

    /// <param name="user">1 to 255 bytes of UTF-8, without a colon (RFC 7617, section 2) or a semicolon, behind which clients say what they wish for.</param>
    /// <param name="password">1 to 255 bytes of UTF-8.</param>
    /// <exception cref="ArgumentException">One is empty or too long, or the user name has a colon or a semicolon.</exception>
    public ProxyCredentials(string user, string password)
    {
        _user = DigestOf(user, nameof(user));
        _password = DigestOf(password, nameof(password));
        if (user.Contains(':', StringComparison.Ordinal)) throw new ArgumentException("A user name with a colon cannot be sent over HTTP.", nameof(user));
        if (user.Contains(';', StringComparison.Ordinal)) throw new ArgumentException("Behind a semicolon in a user name stands what its client wishes for.", nameof(user));
    }

    // Digests have one length, so that the comparison's time does not tell the length of the secret. Both are always compared.
    internal bool Match(ReadOnlySpan<byte> user, ReadOnlySpan<byte> password)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(user, digest);
        bool userMatches = CryptographicOperations.FixedTimeEquals(digest, _user);
        SHA256.HashData(password, digest);
        bool passwordMatches = CryptographicOperations.FixedTimeEquals(digest, _password);
        return userMatches & passwordMatches;
    }

    private static byte[] DigestOf(string value, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(value, name);
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        if (bytes.Length > MaxSize) throw new ArgumentException($"Takes at most {MaxSize} bytes of UTF-8, got {bytes.Length}.", name);
        return SHA256.HashData(bytes);
    }
}
