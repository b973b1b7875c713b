using Overlay.Transport.Crypto;
using Overlay.Transport.Noise;

namespace Overlay.Fuzzing.Targets;

/// <summary>The peer of <see cref="NoiseSamples"/>, who says what it is told to inside a handshake that is right, and spares the curve: the secrets of fixed keys are fixed.</summary>
internal static class NoisePeer
{
    private const int KeySize = X25519.KeySize, TagSize = ChaChaPoly.TagSize;

    private static readonly byte[] s_ownStatic = FuzzKeys.Seed(3), s_peerStatic = FuzzKeys.Seed(4), s_ownEphemeral = FuzzKeys.Seed(5), s_peerEphemeral = FuzzKeys.Seed(6);
    private static readonly byte[] s_peerStaticPublic = PublicOf(s_peerStatic), s_ownEphemeralPublic = PublicOf(s_ownEphemeral), s_peerEphemeralPublic = PublicOf(s_peerEphemeral);
    private static readonly byte[] s_ee = Agree(s_peerEphemeral, s_ownEphemeral);
    private static readonly byte[] s_ownEphemeralPeerStatic = Agree(s_peerStatic, s_ownEphemeral);
    private static readonly byte[] s_peerEphemeralOwnStatic = Agree(s_peerEphemeral, s_ownStatic);

    /// <summary>The first message, to a responder.</summary>
    internal static byte[] First => s_peerEphemeralPublic;

    /// <summary>The second message, to an initiator: e, ee, s, es (Noise specification, section 7.5).</summary>
    internal static byte[] Second(ReadOnlySpan<byte> payload)
    {
        using SymmetricState state = Begin(s_ownEphemeralPublic);
        byte[] message = new byte[KeySize + KeySize + TagSize + payload.Length + TagSize];
        s_peerEphemeralPublic.CopyTo(message, 0);
        state.MixHash(s_peerEphemeralPublic);
        state.MixKey(s_ee);
        int size = KeySize + state.EncryptAndHash(s_peerStaticPublic, message.AsSpan(KeySize));
        state.MixKey(s_ownEphemeralPeerStatic);
        state.EncryptAndHash(payload, message.AsSpan(size));
        return message;
    }

    /// <summary>The third message, to a responder: s, se.</summary>
    /// <param name="second">The responder's message, without its length.</param>
    /// <param name="payload">What the peer says of itself.</param>
    internal static byte[] Third(ReadOnlySpan<byte> second, ReadOnlySpan<byte> payload)
    {
        using SymmetricState state = Begin(s_peerEphemeralPublic);
        state.MixHash(second[..KeySize]);
        state.MixKey(s_ee);
        byte[] opened = new byte[second.Length];
        state.DecryptAndHash(second.Slice(KeySize, KeySize + TagSize), opened);
        state.MixKey(s_peerEphemeralOwnStatic);
        state.DecryptAndHash(second[(KeySize + KeySize + TagSize)..], opened);
        byte[] message = new byte[KeySize + TagSize + payload.Length + TagSize];
        int size = state.EncryptAndHash(s_peerStaticPublic, message);
        state.MixKey(s_ownEphemeralPeerStatic);
        state.EncryptAndHash(payload, message.AsSpan(size));
        return message;
    }

    // Up to the end of the first message, which has no payload.
    private static SymmetricState Begin(ReadOnlySpan<byte> initiatorEphemeral)
    {
        var state = new SymmetricState("Noise_XX_25519_ChaChaPoly_SHA256"u8);
        state.MixHash(default);
        state.MixHash(initiatorEphemeral);
        state.MixHash(default);
        return state;
    }

    private static byte[] PublicOf(byte[] privateKey)
    {
        byte[] key = new byte[KeySize];
        X25519.DerivePublicKey(privateKey, key);
        return key;
    }

    private static byte[] Agree(byte[] privateKey, byte[] otherPrivateKey)
    {
        byte[] secret = new byte[KeySize];
        return X25519.TryAgree(privateKey, PublicOf(otherPrivateKey), secret) ? secret : throw new InvalidOperationException("The sample keys are weak.");
    }
}
