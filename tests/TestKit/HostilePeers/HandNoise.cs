using System.Buffers.Binary;
using System.Security.Cryptography;
using Overlay.Transport.Crypto;

namespace Overlay.TestKit.HostilePeers;

/// <summary>The initiator's side of Noise_XX_25519_ChaChaPoly_SHA256 written out step by step, so that every byte of it can be had otherwise.</summary>
/// <remarks>Follows the Noise specification, sections 5 and 7.5, with an empty prologue, as libp2p asks. Checks nothing of what the other side claims.</remarks>
public sealed class HandNoise : IDisposable
{
    private const int KeySize = 32;
    private const int TagSize = 16;

    private readonly X25519KeyPair _static = X25519KeyPair.Generate();
    private readonly X25519KeyPair _ephemeral = X25519KeyPair.Generate();
    private readonly byte[] _remoteEphemeral = new byte[KeySize];
    private byte[] _hash = "Noise_XX_25519_ChaChaPoly_SHA256"u8.ToArray();
    private byte[] _chainingKey;
    private byte[]? _key;
    private ulong _nonce;

    /// <summary>Begins a handshake with fresh keys.</summary>
    public HandNoise()
    {
        _chainingKey = _hash;
        MixHash([]);
    }

    /// <summary>This side's static public key, 32 bytes: what an identity signs.</summary>
    public ReadOnlyMemory<byte> StaticKey => _static.PublicKey.ToArray();

    /// <summary>A frame: the message with its length in two bytes before it.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> message)
    {
        byte[] frame = new byte[2 + message.Length];
        BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)message.Length);
        message.CopyTo(frame.AsSpan(2));
        return frame;
    }

    /// <summary>-> e, and a payload in the clear.</summary>
    public byte[] WriteFirst(ReadOnlySpan<byte> payload = default)
    {
        MixHash(_ephemeral.PublicKey);
        return [.. _ephemeral.PublicKey, .. EncryptAndHash(payload)];
    }

    /// <summary>&lt;- e, ee, s, es, payload. False when it is not sealed as it should be, which after a forged first message it cannot be.</summary>
    public bool TryReadSecond(ReadOnlySpan<byte> message, out byte[] payload)
    {
        payload = [];
        if (message.Length < KeySize + KeySize + TagSize + TagSize) return false;
        message[..KeySize].CopyTo(_remoteEphemeral);
        MixHash(_remoteEphemeral);
        MixKey(_ephemeral, _remoteEphemeral);
        if (!TryDecryptAndHash(message.Slice(KeySize, KeySize + TagSize), out byte[] remoteStatic)) return false;
        MixKey(_ephemeral, remoteStatic);
        return TryDecryptAndHash(message[(KeySize + KeySize + TagSize)..], out payload);
    }

    /// <summary>-> s, se, payload.</summary>
    public byte[] WriteThird(ReadOnlySpan<byte> payload)
    {
        byte[] sealedKey = EncryptAndHash(_static.PublicKey);
        MixKey(_static, _remoteEphemeral);
        return [.. sealedKey, .. EncryptAndHash(payload)];
    }

    /// <summary>The keys for sending and for receiving, 32 bytes each.</summary>
    public (byte[] Send, byte[] Receive) Split()
    {
        byte[] keys = HKDF.DeriveKey(HashAlgorithmName.SHA256, [], 2 * KeySize, _chainingKey);
        return (keys[..KeySize], keys[KeySize..]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _static.Dispose();
        _ephemeral.Dispose();
    }

    /// <summary>Section 12.3: four zero bytes, then the counter in little-endian order.</summary>
    internal static byte[] Nonce(ulong counter)
    {
        byte[] nonce = new byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(nonce.AsSpan(4), counter);
        return nonce;
    }

    private void MixHash(ReadOnlySpan<byte> data) => _hash = SHA256.HashData([.. _hash, .. data]);

    private void MixKey(X25519KeyPair local, ReadOnlySpan<byte> remote)
    {
        byte[] secret = new byte[KeySize];
        local.TryAgree(remote, secret);
        byte[] keys = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 2 * KeySize, _chainingKey);
        (_chainingKey, _key, _nonce) = (keys[..KeySize], keys[KeySize..], 0);
    }

    private byte[] EncryptAndHash(ReadOnlySpan<byte> text)
    {
        byte[] output = _key is null ? text.ToArray() : [.. text, .. new byte[TagSize]];
        if (_key is not null)
        {
            using ChaChaPoly cipher = ChaChaPoly.Create(_key);
            cipher.Seal(Nonce(_nonce++), output, _hash);
        }

        MixHash(output);
        return output;
    }

    private bool TryDecryptAndHash(ReadOnlySpan<byte> input, out byte[] text)
    {
        text = input.ToArray();
        using ChaChaPoly cipher = ChaChaPoly.Create(_key);
        if (!cipher.TryOpen(Nonce(_nonce++), text, _hash)) return false;
        text = text[..^TagSize];
        MixHash(input);
        return true;
    }
}
