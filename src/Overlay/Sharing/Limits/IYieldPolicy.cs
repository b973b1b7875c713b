namespace Overlay.Sharing.Limits;

/// <summary>Decides how much of the line is left to others, by what goes over it. A host app may have its own
/// (<see cref="SharingOptions.YieldPolicy"/>).</summary>
public interface IYieldPolicy
{
    /// <summary>Judges what has been seen since the sample before. Called by one thread at a time, every 40 ms while bytes are relayed, and not at all while
    /// none are.</summary>
    /// <param name="sample">What was seen.</param>
    /// <returns>The share of the caps, or without caps of the rate at which was served before, that others may have from here on: 0 to 1. 1 holds nothing
    /// back, and what is no number leaves nothing. An exception stops sharing until the next look that has none.</returns>
    double Judge(in YieldSample sample);
}

/// <summary>What has gone over the owner's line between two looks.</summary>
/// <remarks>Own bytes are those of the node's sockets, with an allowance for headers; the rest of all bytes is the owner's, as far as the line's counters
/// go.</remarks>
public readonly record struct YieldSample
{
    /// <summary>Time since the sample before; zero for the first after a rest, which counts nothing.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>What the node has sent.</summary>
    public required ByteSize OwnSent { get; init; }

    /// <summary>What the node has received.</summary>
    public required ByteSize OwnReceived { get; init; }

    /// <summary>What the line has carried out; null where that cannot be seen.</summary>
    public ByteSize? AllSent { get; init; }

    /// <summary>What the line has carried in; null where that cannot be seen.</summary>
    public ByteSize? AllReceived { get; init; }

    /// <summary>By how much the round trip of the node's least affected busy connection is above the shortest it has had; null while that is not
    /// known.</summary>
    public TimeSpan? AddedLatency { get; init; }

    /// <summary>Whether the host runs on its battery; null where nobody knows.</summary>
    public bool? IsOnBattery { get; init; }

    /// <summary>Whether the line is paid by the byte; null where nobody knows.</summary>
    public bool? IsMetered { get; init; }
}
