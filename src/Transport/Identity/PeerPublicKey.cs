using Overlay.Transport.Crypto;

namespace Overlay.Transport.Identity;

/// <summary>The kinds of identity key that libp2p knows (peer-ids specification, "Keys"). The numbers are the wire's.</summary>
public enum PeerKeyType
{
    /// <summary>RSA, PKIX DER.</summary>
    Rsa = 0,

    /// <summary>Ed25519, 32 bytes.</summary>
    Ed25519 = 1,

    /// <summary>secp256k1, compressed point.</summary>
    Secp256k1 = 2,

    /// <summary>ECDSA, PKIX DER.</summary>
    Ecdsa = 3,
}

/// <summary>A peer's public identity key. Overlay's own are Ed25519; the other kinds name and verify foreign libp2p peers.</summary>
public sealed class PeerPublicKey : IEquatable<PeerPublicKey>
{
    // message PublicKey { required KeyType Type = 1; required bytes Data = 2; } with the deterministic encoding of the specification.
    private const byte TypeTag = 0x08, DataTag = 0x12;

    /// <summary>Largest encoded key that is taken from a peer, in bytes (RSA of 8192 bits is 1,062).</summary>
    public const int MaxEncodedSize = 2048;

    private readonly byte[] _data;
    private readonly byte[] _encoded;

    private PeerPublicKey(PeerKeyType type, byte[] data)
    {
        Type = type;
        _data = data;
        byte[] encoded = new byte[2 + 1 + Varint.Size((ulong)data.Length) + data.Length];
        encoded[0] = TypeTag;
        encoded[1] = (byte)type;
        encoded[2] = DataTag;
        int at = 3 + Varint.Write(encoded.AsSpan(3), (ulong)data.Length);
        data.CopyTo(encoded, at);
        _encoded = encoded;
    }

    /// <summary>The kind of key.</summary>
    public PeerKeyType Type { get; }

    /// <summary>The key's own bytes: for Ed25519 the 32 of RFC 8032.</summary>
    public ReadOnlyMemory<byte> Data => _data;

    /// <summary>The protobuf encoding from which the PeerId is made and which travels in handshakes.</summary>
    public ReadOnlyMemory<byte> Encoded => _encoded;

    /// <summary>Wraps an Ed25519 public key of 32 bytes.</summary>
    /// <exception cref="ArgumentException">The length is another.</exception>
    public static PeerPublicKey FromEd25519(ReadOnlySpan<byte> key)
    {
        if (key.Length != Ed25519.PublicKeySize) throw new ArgumentException($"An Ed25519 public key is 32 bytes, not {key.Length}.", nameof(key));
        return new PeerPublicKey(PeerKeyType.Ed25519, key.ToArray());
    }

    /// <summary>Decodes the protobuf encoding. Accepts only the deterministic form, so that one key has one PeerId.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PeerPublicKey? key)
    {
        key = null;
        if (encoded.Length is < 4 or > MaxEncodedSize || encoded[0] != TypeTag || encoded[1] > (byte)PeerKeyType.Ecdsa || encoded[2] != DataTag) return false;
        if (Varint.TryRead(encoded[3..], out ulong length, out int size) != VarintStatus.Done) return false;
        ReadOnlySpan<byte> data = encoded[(3 + size)..];
        if ((ulong)data.Length != length) return false;
        var type = (PeerKeyType)encoded[1];
        if (type == PeerKeyType.Ed25519 && data.Length != Ed25519.PublicKeySize) return false;
        if (type == PeerKeyType.Secp256k1 && data.Length != Secp256k1.PublicKeySize) return false;
        key = new PeerPublicKey(type, data.ToArray());
        return true;
    }

    /// <summary>Checks a signature of this key. False for anything that does not hold; never throws on what a peer sent.</summary>
    /// <param name="message">The signed bytes.</param>
    /// <param name="signature">The signature, in the form that the peer-ids specification gives for the kind of key.</param>
    public bool VerifyVarTime(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => Type switch
    {
        PeerKeyType.Ed25519 => Ed25519.VerifyVarTime(_data, message, signature),
        PeerKeyType.Rsa => Rsa.VerifyVarTime(_data, message, signature),
        PeerKeyType.Ecdsa => Ecdsa.VerifyVarTime(_data, message, signature),
        PeerKeyType.Secp256k1 => Secp256k1.VerifyVarTime(_data, message, signature),
        _ => false,
    };

    /// <summary>The name of the peer that holds this key.</summary>
    public PeerId ToPeerId() => PeerId.FromPublicKey(this);

    /// <inheritdoc/>
    public bool Equals(PeerPublicKey? other) => other is not null && _encoded.AsSpan().SequenceEqual(other._encoded);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PeerPublicKey);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_encoded);
        return hash.ToHashCode();
    }
}
