namespace Overlay.Fuzzing.Engine;

/// <summary>Takes an input apart where a target needs more than one value of it. Never fails: what is not there is zero or empty.</summary>
internal ref struct FuzzInput(ReadOnlySpan<byte> bytes)
{
    /// <summary>What has not been taken yet.</summary>
    internal ReadOnlySpan<byte> Rest { get; private set; } = bytes;

    internal byte TakeByte() => Take(1) is [byte value] ? value : (byte)0;

    /// <summary>Takes up to <paramref name="size"/> bytes.</summary>
    internal ReadOnlySpan<byte> Take(int size)
    {
        int count = Math.Min(size, Rest.Length);
        ReadOnlySpan<byte> taken = Rest[..count];
        Rest = Rest[count..];
        return taken;
    }

    /// <summary>Takes a block with its size in the two bytes before it, big-endian.</summary>
    internal ReadOnlySpan<byte> TakeBlock() => Take((TakeByte() << 8) | TakeByte());

    /// <summary>A block as <see cref="TakeBlock"/> takes it.</summary>
    internal static byte[] Block(ReadOnlySpan<byte> bytes) => [(byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];
}
