using Overlay.Transport.Identity;

namespace Overlay.Transport.Noise;

/// <summary>What a complete handshake gives. Owns the two ciphers until a <see cref="NoiseChannel"/> takes it over.</summary>
internal sealed class NoiseHandshakeResult : IDisposable
{
    /// <summary>The key that the other side proved to hold.</summary>
    internal required PeerPublicKey RemotePublicKey { get; init; }

    /// <summary>The name of that key.</summary>
    internal required PeerId RemotePeer { get; init; }

    /// <summary>32 bytes (Noise specification, section 11.2).</summary>
    internal required ReadOnlyMemory<byte> HandshakeHash { get; init; }

    /// <summary>The muxer agreed on, or null when it is still to be negotiated.</summary>
    internal required string? NegotiatedMuxer { get; init; }

    internal required CipherState Send { get; init; }

    internal required CipherState Receive { get; init; }

    public void Dispose()
    {
        Send.Dispose();
        Receive.Dispose();
    }
}
