using Overlay.Sharing;

namespace Overlay.Node.Demo;

/// <summary>A demo's consent to itself: its exits live for minutes, with keys of their own, on loopback, where nobody but the demo reaches them.</summary>
internal static class DemoConsent
{
    internal static ConsentQuestion Ask { get; } = (text, _) => ValueTask.FromResult(text.Accept("overlay demo, which shares with itself"));
}
