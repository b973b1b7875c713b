namespace Overlay.Sharing.Limits;

/// <summary>What an owner wants while something is so: while the host runs on its battery, say.</summary>
public enum OwnerRule
{
    /// <summary>Serve as ever.</summary>
    Serve,

    /// <summary>Serve at a fiftieth, as while the owner uses the line.</summary>
    Yield,

    /// <summary>Serve nobody.</summary>
    Pause,
}
