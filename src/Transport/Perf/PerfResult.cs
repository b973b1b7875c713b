namespace Overlay.Transport.Perf;

/// <summary>How long the two halves of a perf run took.</summary>
/// <param name="Upload">From the first byte sent until the peer's answer began.</param>
/// <param name="Download">From then until the end of the stream.</param>
public sealed record PerfResult(TimeSpan Upload, TimeSpan Download);
