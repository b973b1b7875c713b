namespace Overlay.Discovery.Kademlia.Records;

/// <summary><c>/overlay/</c>, a peer id in text, <c>/</c> and a name: a value that this peer signed (<see cref="SignedValue"/>). The greatest sequence is
/// the best.</summary>
internal sealed class SignedValueValidator : IRecordValidator
{
    internal const string Namespace = "overlay";

    public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => SignedValue.TryOpen(key, value, out _);

    public int Choose(ReadOnlySpan<byte> key, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (SignedValue.ReadSequence(left) is not { } first || SignedValue.ReadSequence(right) is not { } second) return 0;
        int order = second.CompareTo(first);
        // Signed twice under one number: every node must keep the same one.
        return order != 0 ? order : right.SequenceCompareTo(left);
    }
}
