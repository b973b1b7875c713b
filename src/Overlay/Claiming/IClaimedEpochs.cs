namespace Overlay.Claiming;

/// <summary>Remembers which epochs a node has claimed: two claims of one epoch could give a single amount away.</summary>
internal interface IClaimedEpochs
{
    /// <summary>All that are claimed.</summary>
    IReadOnlyCollection<ulong> Read();

    /// <summary>Keeps a claim, before anybody sees it.</summary>
    /// <exception cref="IOException">It could not be kept, or the epoch was claimed meanwhile; nobody may see the claim then.</exception>
    void Keep(ulong epoch, byte[] claim);
}

/// <summary>For a node without a data folder: as long as its process lives.</summary>
internal sealed class ClaimedEpochs : IClaimedEpochs
{
    private readonly Lock _lock = new();
    private readonly HashSet<ulong> _epochs = [];

    public IReadOnlyCollection<ulong> Read()
    {
        lock (_lock) return [.. _epochs];
    }

    public void Keep(ulong epoch, byte[] claim)
    {
        lock (_lock)
        {
            if (!_epochs.Add(epoch)) throw new IOException($"Epoch {epoch} was claimed meanwhile.");
        }
    }
}
