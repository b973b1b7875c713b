namespace Overlay.Transport.Noise;

/// <summary>Why the Noise state machines refuse to go on.</summary>
internal enum NoiseError
{
    /// <summary>A message's tag does not match.</summary>
    DecryptionFailed = 1,

    /// <summary>A message is shorter than its pattern requires, or longer than Noise allows.</summary>
    MessageSize,

    /// <summary>A public key leads to an all-zero shared secret.</summary>
    WeakPublicKey,

    /// <summary>2^64-1 messages were sealed or opened with one key.</summary>
    NonceExhausted,
}

/// <summary>A Noise state machine stopped; its state is of no further use (Noise specification, section 5.3).</summary>
internal sealed class NoiseException : Exception
{
    internal NoiseException(NoiseError error)
        : base(Describe(error)) => Error = error;

    internal NoiseError Error { get; }

    private static string Describe(NoiseError error) => error switch
    {
        NoiseError.DecryptionFailed => "A Noise message failed authentication.",
        NoiseError.MessageSize => "A Noise message has an impossible size.",
        NoiseError.WeakPublicKey => "A public key of small order was refused.",
        _ => "The nonces of a Noise key are used up.",
    };
}
