namespace Overlay.Transport.Noise;

/// <summary>Limits of the Noise channel. Immutable; change with <c>with</c>.</summary>
public sealed record NoiseOptions
{
    /// <summary>Largest handshake message taken from a peer, in bytes without its length prefix: 256 to 65,535. 4096 holds the largest RSA identity with room to spare.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside that range.</exception>
    public int MaxHandshakeMessageSize { get; init => field = InRange(value, 256, HandshakeState.MaxMessageSize); } = 4096;

    /// <summary>Most muxers taken from a peer's handshake: 1 to 1,024. 16, where peers in the field name one or two.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside that range.</exception>
    public int MaxMuxerCount { get; init => field = InRange(value, 1, 1024); } = 16;

    /// <summary>Longest name of a muxer taken from a peer, in characters: 1 to 1,024. 128, several times the longest name in use.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside that range.</exception>
    public int MaxMuxerNameSize { get; init => field = InRange(value, 1, 1024); } = 128;

    /// <summary>Largest buffer for receiving, in bytes: 128 KiB to 4 MiB. 128 KiB holds exactly two of the largest messages that this library sends.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside that range.</exception>
    public int MaxReceiveBufferSize { get; init => field = InRange(value, 128 << 10, 4 << 20); } = 128 << 10;

    /// <summary>Most plaintext that waits for one flush, in bytes: 64 KiB to 4 MiB. 256 KiB, four of the largest messages in one write to the socket.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside that range.</exception>
    public int MaxUnflushedSize { get; init => field = InRange(value, 64 << 10, 4 << 20); } = 256 << 10;

    /// <summary>Most messages without content that a peer may send in a row: 0 to 65,535. 64; they are legal, yet each costs an authentication and brings nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside that range.</exception>
    public int MaxEmptyMessageCount { get; init => field = InRange(value, 0, 65535); } = 64;

    /// <summary>How long nothing is received while the budget has no memory to receive into, before the connection ends. 10 s, positive.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not positive.</exception>
    public TimeSpan MemoryTimeout
    {
        get;
        init => field = value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(nameof(MemoryTimeout), value, "Must be positive.");
    } = TimeSpan.FromSeconds(10);

    private static int InRange(int value, int min, int max) => value >= min && value <= max
        ? value
        : throw new ArgumentOutOfRangeException(nameof(value), value, $"Must lie between {min} and {max}.");
}
