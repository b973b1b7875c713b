using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace Overlay.Fuzzing.Engine;

/// <summary>What instrumented assemblies count into: one byte for each edge between two basic blocks, as AFL has it.</summary>
/// <remarks>
/// <c>sharpfuzz</c> rewrites the assemblies under test so that each block counts. Without that the map stays empty and everything runs the same. There is one map in a
/// process, because the instrumented code finds it in a static field.
/// </remarks>
internal static unsafe class CoverageMap
{
    private const int Size = 1 << 16;

    private static readonly byte* s_counts = (byte*)NativeMemory.AllocZeroed(Size);

    // Counts fall into eight classes: once, twice, three times, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more. A new class of a known edge is news too.
    private static readonly byte[] s_classes = Classes();

    /// <summary>Whether the assemblies under test are instrumented.</summary>
    internal static bool IsInstrumented { get; } =
        typeof(Transport.Identity.PeerId).Assembly.GetReferencedAssemblies().Any(name => name.Name == typeof(Trace).Assembly.GetName().Name);

    /// <summary>Gives instrumented code the map. Before any of it runs.</summary>
    internal static void Attach() => Trace.SharedMem = s_counts;

    /// <summary>Forgets the counts of the last execution.</summary>
    internal static void Clear()
    {
        new Span<byte>(s_counts, Size).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Adds what the last execution reached to <paramref name="known"/>, which has <see cref="NewKnown"/>'s size.</summary>
    /// <returns>Whether any of it was new.</returns>
    internal static bool MergeInto(byte[] known)
    {
        bool isNew = false;
        var words = new ReadOnlySpan<ulong>(s_counts, Size / sizeof(ulong));
        for (int word = words.IndexOfAnyExcept(0UL); word >= 0;)
        {
            for (int i = word * sizeof(ulong); i < (word + 1) * sizeof(ulong); i++)
            {
                byte reached = s_classes[s_counts[i]];
                if ((reached & ~known[i]) == 0) continue;
                known[i] |= reached;
                isNew = true;
            }

            int next = words[(word + 1)..].IndexOfAnyExcept(0UL);
            word = next < 0 ? -1 : word + 1 + next;
        }

        return isNew;
    }

    /// <summary>A record in which nothing is known yet.</summary>
    internal static byte[] NewKnown() => new byte[Size];

    /// <summary>Edges in a record.</summary>
    internal static int CountEdges(byte[] known) => Size - known.AsSpan().Count((byte)0);

    private static byte[] Classes()
    {
        byte[] classes = new byte[256];
        for (int count = 1; count < classes.Length; count++)
        {
            classes[count] = count switch
            {
                1 => 1,
                2 => 2,
                3 => 4,
                < 8 => 8,
                < 16 => 16,
                < 32 => 32,
                < 128 => 64,
                _ => 128,
            };
        }

        return classes;
    }
}
