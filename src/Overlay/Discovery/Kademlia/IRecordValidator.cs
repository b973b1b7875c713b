namespace Overlay.Discovery.Kademlia;

/// <summary>Tells valid values of one namespace from others, and the better of two (kad-dht specification, "Entry validation").</summary>
/// <remarks>Implementations are pure and safe on several threads: the same bytes get the same answer on every node. They must not throw on what a peer
/// sent.</remarks>
public interface IRecordValidator
{
    /// <summary>Whether a value may stand under a key.</summary>
    /// <param name="key">The whole key, namespace included.</param>
    /// <param name="value">The value as a peer sent it.</param>
    bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Which of two valid values is to be kept: below zero for <paramref name="left"/>, above for <paramref name="right"/>, zero when they are
    /// equal.</summary>
    /// <param name="key">The whole key, namespace included.</param>
    /// <param name="left">One value.</param>
    /// <param name="right">The other.</param>
    int Choose(ReadOnlySpan<byte> key, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right);
}
