namespace Overlay.Discovery.Bootstrap;

/// <summary>Looks up TXT records.</summary>
internal interface ITextRecords
{
    /// <summary>The records of a name, the strings of each put together; none when there are none or nobody answers.</summary>
    ValueTask<IReadOnlyList<string>> ResolveAsync(string name, CancellationToken cancellationToken);
}
