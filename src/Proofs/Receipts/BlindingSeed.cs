using System.Buffers.Binary;
using System.Security.Cryptography;
using Overlay.Proofs.Group;

namespace Overlay.Proofs.Receipts;

/// <summary>The secret that only the two sides of one session have, and from which both derive the blinding of each of its receipts.</summary>
/// <remarks>
/// Whoever has it can test guesses of every total of that session against its receipts; it proves and signs nothing. It is kept with the session's record
/// for as long as that is kept, since a claim over the session's receipts needs their blindings; so it lives as long as the record in memory and is not
/// cleared before. What it is derived from, and what passes on the way, is. Immutable; safe on several threads; compares in fixed time.
/// </remarks>
public sealed class BlindingSeed : IEquatable<BlindingSeed>
{
    /// <summary>Size of the secret in bytes.</summary>
    public const int Size = 32;

    private readonly byte[] _bytes;

    /// <summary>Copies a seed from its bytes.</summary>
    /// <param name="bytes">Exactly <see cref="Size"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> has another length.</exception>
    public BlindingSeed(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"Expected {Size} bytes, got {bytes.Length}.", nameof(bytes));
        _bytes = bytes.ToArray();
    }

    private static ReadOnlySpan<byte> Info => "overlay/blinding/1"u8;

    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Derives a session's seed: HKDF-SHA-256 (RFC 5869) of the shared secret, the session's id as salt, <c>overlay/blinding/1</c> as info.</summary>
    /// <param name="sharedSecret">What X25519 gave for the ephemeral keys of <c>Open</c> and <c>Accept</c>. The caller clears it.</param>
    /// <param name="sessionId">The session, in whose id the connection's handshake, the offer and both ephemeral keys are hashed.</param>
    public static BlindingSeed Derive(ReadOnlySpan<byte> sharedSecret, Digest sessionId)
    {
        Span<byte> seed = stackalloc byte[Size];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, sharedSecret, seed, sessionId.Bytes, Info);
        var derived = new BlindingSeed(seed);
        CryptographicOperations.ZeroMemory(seed);
        return derived;
    }

    /// <summary>The blinding of one receipt: HMAC-SHA-512(seed, sessionId ‖ leg ‖ sequence) modulo ℓ, a different one for each.</summary>
    /// <param name="sessionId">The session that this seed is of.</param>
    /// <param name="leg">The receipt's leg, hashed as 4 bytes, big-endian. Sequences begin again with each.</param>
    /// <param name="sequence">The receipt's sequence, hashed as 8 bytes, big-endian.</param>
    /// <returns>A secret scalar; the hash is read as a little-endian number of 512 bits.</returns>
    public Scalar DeriveBlinding(Digest sessionId, uint leg, ulong sequence)
    {
        Span<byte> message = stackalloc byte[Digest.Size + sizeof(uint) + sizeof(ulong)], hash = stackalloc byte[HMACSHA512.HashSizeInBytes];
        sessionId.Bytes.CopyTo(message);
        BinaryPrimitives.WriteUInt32BigEndian(message[Digest.Size..], leg);
        BinaryPrimitives.WriteUInt64BigEndian(message[(Digest.Size + sizeof(uint))..], sequence);
        HMACSHA512.HashData(_bytes, message, hash);
        Scalar blinding = Scalar.ReduceWide(hash);
        CryptographicOperations.ZeroMemory(hash);
        return blinding;
    }

    /// <summary>Copies the secret out, to keep it elsewhere.</summary>
    /// <param name="destination">Exactly <see cref="Size"/> bytes. The caller clears it.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length.</exception>
    public void CopyTo(Span<byte> destination)
    {
        if (destination.Length != Size) throw new ArgumentException($"Expected {Size} bytes, got {destination.Length}.", nameof(destination));
        _bytes.CopyTo(destination);
    }

    /// <summary>Whether both are the same secret, in fixed time.</summary>
    public bool Equals(BlindingSeed? other) => other is not null && CryptographicOperations.FixedTimeEquals(_bytes, other._bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as BlindingSeed);

    /// <summary>The same for all seeds: a hash of a secret would tell of it.</summary>
    public override int GetHashCode() => Size;
}
