using System.Diagnostics.CodeAnalysis;

namespace Overlay.Fuzzing.Engine;

/// <summary>Something that must hold for every input did not.</summary>
internal sealed class InvariantException(string message) : Exception(message);

/// <summary>Says what must hold.</summary>
internal static class Invariant
{
    /// <exception cref="InvariantException"><paramref name="holds"/> is false.</exception>
    internal static void Holds([DoesNotReturnIf(false)] bool holds, string what)
    {
        if (!holds) throw new InvariantException(what);
    }

    /// <exception cref="InvariantException">The two differ.</exception>
    internal static void Same(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, string what)
    {
        if (!expected.SequenceEqual(actual)) throw new InvariantException($"{what}: {Convert.ToHexStringLower(expected)} became {Convert.ToHexStringLower(actual)}.");
    }

    /// <exception cref="InvariantException">The two differ.</exception>
    internal static void Same<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual)) throw new InvariantException($"{what}: '{expected}' became '{actual}'.");
    }

    /// <summary>The result of what must not have to wait, since all that it waits for is there.</summary>
    /// <exception cref="InvariantException">It waits.</exception>
    internal static T Completed<T>(ValueTask<T> operation, string what) => operation.IsCompleted ? operation.GetAwaiter().GetResult() : throw new InvariantException(what);
}
