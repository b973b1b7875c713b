using System.Globalization;

namespace Overlay.Benchmarks.Soak;

/// <summary>What a soaked process tells its parent, a line each: the counts of a stream's end, connections cut on purpose, faults.</summary>
internal sealed class SoakOutput
{
    private readonly Lock _lock = new();

    /// <summary>A stream is over, and these are this end's counts.</summary>
    internal void Stream(StreamPlan plan, bool isNear, long sent, long received) =>
        Write(string.Create(CultureInfo.InvariantCulture, $"stream {plan.Id} {plan.Connection} {(isNear ? "near" : "far")} {sent} {received}"));

    /// <summary>Must be told before the connection is cut: from then on its streams may lose bytes and fail.</summary>
    internal void Cut(uint connection) => Write(string.Create(CultureInfo.InvariantCulture, $"cut {connection}"));

    /// <summary>Something went wrong; the parent forgives it only on a connection that was cut.</summary>
    internal void Fault(uint connection, string text) => Write(string.Create(CultureInfo.InvariantCulture, $"fault {connection} {text.ReplaceLineEndings(" | ")}"));

    internal void Write(string line)
    {
        lock (_lock) Console.Out.WriteLine(line);
    }
}
