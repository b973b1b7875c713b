using System.Net;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;

namespace Overlay.Sharing;

/// <summary>What the owner refuses and, by choice, all that the owner allows: lists from files, read anew when a file changes.</summary>
/// <remarks>Safe on several threads: both lists are swapped whole. Owns the loop that looks at the files, and awaits it when it is disposed of.</remarks>
internal sealed class TargetLists : IAsyncDisposable
{
    /// <summary>How often the files are looked at.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly string[] _blockFiles;
    private readonly string[] _allowFiles;
    private readonly ILogger _logger;
    private readonly FilePoll _poll;
    private volatile Pair _lists;

    private TargetLists(string[] blockFiles, string[] allowFiles, TimeProvider time, ILogger logger)
    {
        _blockFiles = blockFiles;
        _allowFiles = allowFiles;
        _logger = logger;
        _poll = new FilePoll([.. blockFiles, .. allowFiles], Interval, time, logger, Reload, waitsForRest: true);
        _lists = new Pair(TargetList.Read(blockFiles), TargetList.Read(allowFiles));
    }

    /// <summary>Reads the files.</summary>
    /// <exception cref="OverlayException">A file cannot be used; names the line.</exception>
    internal static TargetLists Open(IEnumerable<string> blockFiles, IEnumerable<string> allowFiles, TimeProvider time, ILogger logger)
    {
        try
        {
            return new TargetLists([.. blockFiles.Select(Path.GetFullPath)], [.. allowFiles.Select(Path.GetFullPath)], time, logger);
        }
        catch (TargetListException e)
        {
            throw new OverlayException(OverlayError.TargetList, e.Message + ".", e);
        }
    }

    /// <summary>Begins to watch the files. Changes since they were read are noticed.</summary>
    internal void Start() => _poll.Start();

    /// <summary>Whether a name may be looked up.</summary>
    internal ExitVerdict CheckName(string name)
    {
        Pair lists = _lists;
        if (lists.Blocked.ContainsName(name)) return ExitVerdict.RefusedByList("The exit's owner refuses this name.");
        // A name that is not listed may still lead into a network that is.
        return _allowFiles.Length == 0 || lists.Allowed.ContainsName(name) || lists.Allowed.HasNetworks ? ExitVerdict.Allowed
            : ExitVerdict.RefusedByList("The exit's owner allows other names only.");
    }

    /// <summary>Whether an address may be dialled.</summary>
    /// <param name="name">The name that has led to it; null for none.</param>
    /// <param name="address">The address.</param>
    internal ExitVerdict CheckAddress(string? name, IPAddress address)
    {
        Pair lists = _lists;
        if (lists.Blocked.ContainsAddress(address)) return ExitVerdict.RefusedByList("The exit's owner refuses this network.");
        return _allowFiles.Length == 0 || (name is not null && lists.Allowed.ContainsName(name)) || lists.Allowed.ContainsAddress(address)
            ? ExitVerdict.Allowed
            : ExitVerdict.RefusedByList("The exit's owner allows other targets only.");
    }

    public ValueTask DisposeAsync() => _poll.DisposeAsync();

    private Task Reload()
    {
        try
        {
            _lists = new Pair(TargetList.Read(_blockFiles), TargetList.Read(_allowFiles));
            SharingLog.ListsRead(_logger, _lists.Blocked.NameCount, _lists.Allowed.NameCount);
        }
        catch (TargetListException e)
        {
            SharingLog.ListKept(_logger, e.Message);
        }

        return Task.CompletedTask;
    }

    private sealed record Pair(TargetList Blocked, TargetList Allowed);
}
