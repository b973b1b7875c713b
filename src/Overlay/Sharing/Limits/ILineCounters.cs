namespace Overlay.Sharing.Limits;

/// <summary>What the host's line has carried, whoever sent it.</summary>
internal interface ILineCounters : IDisposable
{
    /// <summary>Bytes out and in since some moment; null where it cannot be seen.</summary>
    (ulong Sent, ulong Received)? Read();
}

/// <summary>What surrounds the host beside its traffic. A host app on a phone, say, knows better than this library
/// (<see cref="SharingOptions.Surroundings"/>).</summary>
/// <remarks>Asked often, so that answers should be at hand. While one throws nothing is shared (<see cref="SharingCondition.Faulted"/>).</remarks>
public interface ILineSurroundings
{
    /// <summary>Whether the host runs on its battery; null where nobody knows. Asked now and then, from any thread.</summary>
    bool? IsOnBattery { get; }

    /// <summary>Whether the line is paid by the byte; null where nobody knows. Asked now and then, from any thread.</summary>
    bool? IsMetered { get; }
}
