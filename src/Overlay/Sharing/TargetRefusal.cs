using Overlay.Proofs;
using Overlay.Sessions;

namespace Overlay.Sharing;

/// <summary>A target that the exit refused a consumer, or could not reach. Stays on this host.</summary>
/// <param name="At">When.</param>
/// <param name="Consumer">The consumer's key.</param>
/// <param name="Host">What it asked for, at most 255 characters: a stranger's text, not to be put on a screen as it is.</param>
/// <param name="Port">The port that it asked for.</param>
/// <param name="Code">What it was told.</param>
/// <param name="Reason">The same in words.</param>
public sealed record TargetRefusal(DateTimeOffset At, PublicKey Consumer, string Host, int Port, ConnectCode Code, string Reason);

/// <summary>Which targets are written to a file in the data folder.</summary>
public enum TargetLogging
{
    /// <summary>None. The last refusals are still to be seen while the node runs.</summary>
    None,

    /// <summary>Those that were refused or not reached.</summary>
    Refusals,

    /// <summary>All: who reached what, and when. A record of other people's doings, which laws may have something to say about.</summary>
    All,
}
