using System.Security.Cryptography;
using Overlay.Transport.Crypto;

namespace Overlay.Transport.Noise;

/// <summary>Which side of a handshake this is. In libp2p the dialer initiates.</summary>
internal enum NoiseRole
{
    Initiator = 1,
    Responder,
}

/// <summary>The XX handshake of Noise_XX_25519_ChaChaPoly_SHA256 (Noise specification, sections 5.3 and 7.5), without I/O.</summary>
/// <remarks>
/// <code>
/// -> e                    32           ‖ payload
/// &lt;- e, ee, s, es          32 ‖ 32 + 16 ‖ payload + 16
/// -> s, se                32 + 16      ‖ payload + 16
/// </code>
/// One thread at a time. After an exception the state is of no further use.
/// </remarks>
internal sealed class HandshakeState : IDisposable
{
    /// <summary>Largest Noise message in bytes (section 3).</summary>
    internal const int MaxMessageSize = 65535;

    private const int KeySize = X25519.KeySize;
    private const int TagSize = ChaChaPoly.TagSize;

    private static readonly Token[][] s_pattern =
    [
        [Token.E],
        [Token.E, Token.EE, Token.S, Token.ES],
        [Token.S, Token.SE],
    ];

    private readonly SymmetricState _symmetric;
    private readonly NoiseRole _role;
    private readonly X25519KeyPair _s;
    private readonly X25519KeyPair _e;
    private readonly byte[] _re = new byte[KeySize];
    private readonly byte[] _rs = new byte[KeySize];
    private int _step;
    private bool _failed;

    /// <param name="role">This side.</param>
    /// <param name="prologue">Data that both sides must agree on; empty in libp2p.</param>
    /// <param name="s">The static key; stays the caller's.</param>
    /// <param name="e">The ephemeral key, never used before, which this object then owns and clears.</param>
    internal HandshakeState(NoiseRole role, ReadOnlySpan<byte> prologue, X25519KeyPair s, X25519KeyPair e)
    {
        _role = role;
        _s = s;
        _e = e;
        _symmetric = new SymmetricState("Noise_XX_25519_ChaChaPoly_SHA256"u8);
        _symmetric.MixHash(prologue);
    }

    internal bool IsComplete => _step == s_pattern.Length && !_failed;

    /// <summary>Whether the next message is this side's to write.</summary>
    internal bool IsWriter => !_failed && _step < s_pattern.Length && (_step % 2 == 0) == (_role == NoiseRole.Initiator);

    /// <summary>Whether the next message is this side's to read.</summary>
    internal bool IsReader => !_failed && _step < s_pattern.Length && !IsWriter;

    /// <summary>The other side's static key, 32 bytes, once it has been read.</summary>
    internal ReadOnlySpan<byte> RemoteStaticKey => _rs;

    /// <summary>The transcript hash, 32 bytes; final when complete.</summary>
    internal ReadOnlySpan<byte> HandshakeHash => _symmetric.HandshakeHash;

    /// <summary>Size of the next message, whoever writes it, when its payload has no bytes.</summary>
    internal int Overhead => _step switch
    {
        0 => KeySize,
        1 => KeySize + KeySize + TagSize + TagSize,
        _ => KeySize + TagSize + TagSize,
    };

    /// <summary>Writes the next message, <see cref="Overhead"/> bytes longer than its payload, and returns its size.</summary>
    internal int WriteMessage(ReadOnlySpan<byte> payload, Span<byte> destination)
    {
        if (!IsWriter) throw new InvalidOperationException("It is not this side's turn to write.");
        if (payload.Length + Overhead > MaxMessageSize) throw new NoiseException(NoiseError.MessageSize);
        // Stays set when something below throws: a half-written message must not be continued.
        _failed = true;
        int size = 0;
        foreach (Token token in s_pattern[_step])
        {
            switch (token)
            {
                case Token.E:
                    _e.PublicKey.CopyTo(destination[size..]);
                    _symmetric.MixHash(_e.PublicKey);
                    size += KeySize;
                    break;
                case Token.S:
                    size += _symmetric.EncryptAndHash(_s.PublicKey, destination[size..]);
                    break;
                default:
                    MixAgreement(token);
                    break;
            }
        }

        size += _symmetric.EncryptAndHash(payload, destination[size..]);
        Advance();
        return size;
    }

    /// <summary>Reads the next message and returns the size of its payload.</summary>
    /// <param name="message">The whole message, without a length prefix.</param>
    /// <param name="payload">Receives the payload; as long as <paramref name="message"/> at least.</param>
    /// <exception cref="NoiseException">The message is too short or long, is forged, or holds a weak key.</exception>
    internal int ReadMessage(ReadOnlySpan<byte> message, Span<byte> payload)
    {
        if (!IsReader) throw new InvalidOperationException("It is not this side's turn to read.");
        int overhead = Overhead;
        Span<byte> key = stackalloc byte[KeySize + TagSize];
        _failed = true;
        if (message.Length < overhead || message.Length > MaxMessageSize) throw new NoiseException(NoiseError.MessageSize);
        foreach (Token token in s_pattern[_step])
        {
            switch (token)
            {
                case Token.E:
                    message[..KeySize].CopyTo(_re);
                    _symmetric.MixHash(_re);
                    message = message[KeySize..];
                    break;
                case Token.S:
                    _symmetric.DecryptAndHash(message[..(KeySize + TagSize)], key);
                    key[..KeySize].CopyTo(_rs);
                    message = message[(KeySize + TagSize)..];
                    break;
                default:
                    MixAgreement(token);
                    break;
            }
        }

        int size = _symmetric.DecryptAndHash(message, payload);
        Advance();
        return size;
    }

    /// <summary>The transport ciphers of a complete handshake, for this side's use; the caller owns them.</summary>
    internal (CipherState Send, CipherState Receive) Split()
    {
        if (!IsComplete) throw new InvalidOperationException("The handshake is not complete.");
        (CipherState first, CipherState second) = _symmetric.Split();
        return _role == NoiseRole.Initiator ? (first, second) : (second, first);
    }

    public void Dispose()
    {
        _failed = true;
        _e.Dispose();
        _symmetric.Dispose();
    }

    private void Advance()
    {
        _step++;
        _failed = false;
    }

    // The first letter names the initiator's key, the second the responder's.
    private void MixAgreement(Token token)
    {
        bool initiator = _role == NoiseRole.Initiator;
        (X25519KeyPair local, byte[] remote) = token switch
        {
            Token.EE => (_e, _re),
            Token.ES => initiator ? (_e, _rs) : (_s, _re),
            _ => initiator ? (_s, _re) : (_e, _rs),
        };
        Span<byte> secret = stackalloc byte[KeySize];
        if (!local.TryAgree(remote, secret)) throw new NoiseException(NoiseError.WeakPublicKey);
        _symmetric.MixKey(secret);
        CryptographicOperations.ZeroMemory(secret);
    }

    private enum Token
    {
        E,
        S,
        EE,
        ES,
        SE,
    }
}
