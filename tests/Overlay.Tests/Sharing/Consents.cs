using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

/// <summary>Answers to the question whether to share.</summary>
internal static class Consents
{
    internal static ConsentQuestion Yes { get; } = (text, _) => ValueTask.FromResult(text.Accept("a test"));

    internal static ConsentQuestion No { get; } = (text, _) => ValueTask.FromResult(text.Decline());
}
