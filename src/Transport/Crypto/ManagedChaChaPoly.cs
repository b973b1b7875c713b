using System.Buffers;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;
using BouncyChaChaPoly = Org.BouncyCastle.Crypto.Modes.ChaCha20Poly1305;

namespace Overlay.Transport.Crypto;

/// <summary>ChaCha20-Poly1305 in managed code, for platforms whose library lacks it.</summary>
internal sealed class ManagedChaChaPoly : ChaChaPoly
{
    private readonly byte[] _key = GC.AllocateArray<byte>(KeySize, pinned: true);
    private bool _disposed;

    internal ManagedChaChaPoly(ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize);
        key.CopyTo(_key);
    }

    internal override void Seal(ReadOnlySpan<byte> nonce, Span<byte> message, ReadOnlySpan<byte> associatedData) =>
        Transform(encrypt: true, nonce, message[..^TagSize], message, associatedData);

    internal override bool TryOpen(ReadOnlySpan<byte> nonce, Span<byte> message, ReadOnlySpan<byte> associatedData)
    {
        if (message.Length < TagSize) return false;
        Span<byte> text = message[..^TagSize];
        try
        {
            Transform(encrypt: false, nonce, message, text, associatedData);
            return true;
        }
        catch (InvalidCipherTextException)
        {
            // The cipher decrypts as it goes and learns of the forgery last.
            CryptographicOperations.ZeroMemory(text);
            return false;
        }
    }

    public override void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_key);
    }

    // The cipher keeps a block back, so its output must not be its input: it reads from a copy.
    private void Transform(bool encrypt, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> source, Span<byte> destination, ReadOnlySpan<byte> associatedData)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        byte[] copy = ArrayPool<byte>.Shared.Rent(source.Length);
        try
        {
            Span<byte> input = copy.AsSpan(0, source.Length);
            source.CopyTo(input);
            var cipher = new BouncyChaChaPoly();
            cipher.Init(encrypt, new ParametersWithIV(new KeyParameter(_key), nonce));
            cipher.ProcessAadBytes(associatedData);
            int written = cipher.ProcessBytes(input, destination);
            cipher.DoFinal(destination[written..]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy.AsSpan(0, source.Length));
            ArrayPool<byte>.Shared.Return(copy);
        }
    }
}
