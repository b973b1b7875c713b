namespace Overlay.Fuzzing.Engine;

/// <summary>One thing that takes bytes of a peer, a client or a disk, and what must be true of it whatever the bytes are.</summary>
/// <remarks>One thread at a time. A target keeps nothing from one input to the next but constants, so that an input that fails once fails again.</remarks>
internal abstract class FuzzTarget
{
    /// <summary>The target's name on the command line, and that of its folder below <c>corpus</c>.</summary>
    internal abstract string Name { get; }

    /// <summary>Largest input in bytes; the mutator makes none longer.</summary>
    internal virtual int MaxSize => 4096;

    /// <summary>Bytes that the code under test may allocate whatever its input, beside those for each byte of the input. Says for what when it is not the default.</summary>
    internal virtual int FixedAllocation => 4096;

    /// <summary>Bytes that the code under test may allocate for each byte of the input: 16, or what a target says for what.</summary>
    internal virtual int AllocationPerByte => 16;

    /// <summary>Messages that this project's own encoders, or the specifications' vectors, give: where mutation begins.</summary>
    internal abstract IEnumerable<byte[]> Seeds { get; }

    /// <summary>Words that random bytes would not come to.</summary>
    internal virtual IReadOnlyList<byte[]> Words => [];

    /// <summary>Gives the code under test <paramref name="input"/> and checks what it made of it.</summary>
    /// <returns>Whether it was accepted as what it should be; false for the ordinary refusal of an input that is wrong.</returns>
    /// <exception cref="InvariantException">Something did not hold. Any other exception is a finding too.</exception>
    internal abstract bool Run(ReadOnlySpan<byte> input, AllocationMeter meter);
}
