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

    /// <summary>Must be told before the connection is closed: from then on the other end's new streams are refused.</summary>
    internal void Closing(uint connection) => Write(string.Create(CultureInfo.InvariantCulture, $"closing {connection}"));

    /// <summary>A stream was reset before it had an answer; the parent forgives it only on a connection that was being closed or cut.</summary>
    internal void Refused(StreamPlan plan) => Write(string.Create(CultureInfo.InvariantCulture, $"refused {plan.Connection} {plan.Id}"));

    /// <summary>Something went wrong; the parent forgives it only on a connection that was cut.</summary>
    internal void Fault(uint connection, string text) => Write(string.Create(CultureInfo.InvariantCulture, $"fault {connection} {text.ReplaceLineEndings(" | ")}"));

    internal void Write(string line)
    {
        lock (_lock) Console.Out.WriteLine(line);
    }
}
