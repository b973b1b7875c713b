using System.Globalization;
using Overlay.TestKit;

namespace Overlay.Interop.Tests.Harness;

/// <summary>How much the long tests do: all of it under CI, little in a developer's loop, and what the environment says in either.</summary>
internal static class TestSizes
{
    private const long MiB = 1L << 20;

    /// <summary>Size of the large download in bytes (<c>INTEROP_MIB</c>).</summary>
    internal static long LargeFile { get; } = MiB * Setting("INTEROP_MIB", Repository.IsContinuousIntegration ? 1024 : 64);

    /// <summary>Bytes of a perf run in one direction (<c>INTEROP_PERF_MIB</c>).</summary>
    internal static long Perf { get; } = MiB * Setting("INTEROP_PERF_MIB", 256);

    /// <summary>How often a node is killed in the middle of a transfer (<c>INTEROP_KILLS</c>).</summary>
    internal static int Kills { get; } = (int)Setting("INTEROP_KILLS", 10);

    private static long Setting(string name, long otherwise) =>
        long.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value > 0 ? value : otherwise;
}
