using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using SimpleBase;

namespace Overlay.Transport.Identity;

/// <summary>A peer's name: the multihash of its public key (libp2p peer-ids specification).</summary>
public sealed class PeerId : IEquatable<PeerId>, IComparable<PeerId>
{
    /// <summary>Largest PeerId in bytes: an identity multihash of a 42-byte key.</summary>
    public const int MaxSize = 44;

    // Keys whose encoding is at most this long are inlined with the identity multihash; longer ones are hashed.
    private const int MaxInlineKeySize = 42;
    private const byte IdentityCode = 0x00, Sha256Code = 0x12;
    private const byte CidVersion1 = 0x01, Libp2pKeyCodec = 0x72;

    private readonly byte[] _bytes;
    private string? _text;

    private PeerId(byte[] bytes) => _bytes = bytes;

    /// <summary>The multihash bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The PeerId of a public key.</summary>
    public static PeerId FromPublicKey(PeerPublicKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        ReadOnlySpan<byte> encoded = key.Encoded.Span;
        return encoded.Length <= MaxInlineKeySize
            ? new PeerId([IdentityCode, (byte)encoded.Length, .. encoded])
            : new PeerId([Sha256Code, 32, .. SHA256.HashData(encoded)]);
    }

    /// <summary>Reads the multihash bytes; false for anything that names no peer.</summary>
    public static bool TryFromBytes(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out PeerId? peerId)
    {
        peerId = null;
        if (bytes.Length < 2 || bytes.Length > MaxSize || bytes[1] != bytes.Length - 2) return false;
        bool valid = bytes[0] switch
        {
            Sha256Code => bytes[1] == 32,
            IdentityCode => PeerPublicKey.TryDecode(bytes[2..], out _),
            _ => false,
        };
        if (valid) peerId = new PeerId(bytes.ToArray());
        return valid;
    }

    /// <summary>Reads the text forms of RFC 0001: base58btc of the multihash, or a CIDv1 in multibase.</summary>
    /// <exception cref="FormatException"><paramref name="text"/> names no peer.</exception>
    public static PeerId Parse(string text) => TryParse(text, out PeerId? peerId) ? peerId : throw new FormatException($"'{text}' is not a peer id.");

    /// <summary>Reads the text forms of RFC 0001; false for anything else.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out PeerId? peerId)
    {
        peerId = null;
        if (string.IsNullOrEmpty(text) || text.Length > 128) return false;
        if (text.StartsWith("Qm", StringComparison.Ordinal) || text[0] == '1')
            return Multibase.TryDecodeBase58(text, out byte[]? hash) && TryFromBytes(hash, out peerId);

        // A CID: multibase prefix, version 1, libp2p-key codec, multihash.
        return Multibase.TryDecode(text, out byte[]? cid)
            && cid.Length > 2 && cid[0] == CidVersion1 && cid[1] == Libp2pKeyCodec
            && TryFromBytes(cid.AsSpan(2), out peerId);
    }

    /// <summary>The public key, when the id carries it whole, as every Ed25519 id does.</summary>
    public bool TryGetPublicKey([NotNullWhen(true)] out PeerPublicKey? key)
    {
        key = null;
        return _bytes[0] == IdentityCode && PeerPublicKey.TryDecode(_bytes.AsSpan(2), out key);
    }

    /// <summary>The id as CIDv1 in base32, RFC 0001's second text form.</summary>
    public string ToCidString() =>
        "b" + Multibase.EncodeBase32Digits([CidVersion1, Libp2pKeyCodec, .. _bytes]);

    /// <summary>The id in base58btc, the form that people exchange.</summary>
    public override string ToString() => _text ??= Base58.Bitcoin.Encode(_bytes);

    /// <inheritdoc/>
    public bool Equals(PeerId? other) => other is not null && _bytes.AsSpan().SequenceEqual(other._bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PeerId);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>Orders by bytes; both sides of a connection see the same order.</summary>
    public int CompareTo(PeerId? other) => other is null ? 1 : _bytes.AsSpan().SequenceCompareTo(other._bytes);

    /// <summary>Whether two ids are the same.</summary>
    public static bool operator ==(PeerId? left, PeerId? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether two ids differ.</summary>
    public static bool operator !=(PeerId? left, PeerId? right) => !(left == right);

    /// <summary>Orders by bytes.</summary>
    public static bool operator <(PeerId? left, PeerId? right) => left is null ? right is not null : left.CompareTo(right) < 0;

    /// <summary>Orders by bytes.</summary>
    public static bool operator >(PeerId? left, PeerId? right) => left is not null && left.CompareTo(right) > 0;

    /// <summary>Orders by bytes.</summary>
    public static bool operator <=(PeerId? left, PeerId? right) => !(left > right);

    /// <summary>Orders by bytes.</summary>
    public static bool operator >=(PeerId? left, PeerId? right) => !(left < right);
}
