namespace Overlay.Sharing.Limits;

/// <summary>Where usage is kept. What <see cref="Save"/> has returned from is there after a crash.</summary>
internal interface IUsageStore
{
    /// <exception cref="IOException">It cannot be read.</exception>
    UsageRecord? Load();

    /// <exception cref="IOException">It cannot be written.</exception>
    void Save(UsageRecord record);
}

/// <summary>Usage in a file of the data folder.</summary>
internal sealed class UsageFile(string folder) : IUsageStore
{
    /// <summary>What was used of the quotas; the node's alone.</summary>
    internal const string FileName = "usage.json";

    private readonly string _path = Path.Combine(folder, FileName);

    public UsageRecord? Load()
    {
        try
        {
            return OwnerFiles.Find(_path) is { } text ? UsageRecord.Read(text) : null;
        }
        catch (FormatException e)
        {
            throw new IOException($"{_path} is damaged: {e.Message}. Nothing is shared before it is mended or taken away; without it counting begins anew.", e);
        }
    }

    public void Save(UsageRecord record) => OwnerFiles.Replace(_path, record.Write());
}

/// <summary>Usage of a node that keeps nothing.</summary>
internal sealed class UsageInMemory : IUsageStore
{
    private UsageRecord? _record;

    public UsageRecord? Load() => _record;

    public void Save(UsageRecord record) => _record = record;
}
