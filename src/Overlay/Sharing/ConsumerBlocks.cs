using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;

namespace Overlay.Sharing;

/// <summary>The consumers that a running node does not serve: those of its folder's list, which is read anew when it changes, or of this run alone.</summary>
/// <remarks>Safe on several threads. The set is swapped whole.</remarks>
internal sealed class ConsumerBlocks : IAsyncDisposable
{
    // A change is taken at the second look that sees it: within a second.
    internal static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly string? _folder;
    private readonly ILogger _logger;
    private readonly FilePoll _poll;
    private readonly TaskSet _endings = new();
    // Those of the file, and those that could not be written to it: they are blocked until the node is started again.
    private volatile ImmutableHashSet<PublicKey> _listed;
    private volatile ImmutableHashSet<PublicKey> _ofThisRun = [];

    /// <exception cref="OverlayException">The list cannot be read.</exception>
    internal ConsumerBlocks(string? folder, TimeProvider time, ILogger logger)
    {
        _folder = folder;
        _logger = logger;
        _poll = new FilePoll(folder is null ? [] : [BlockedConsumers.PathIn(folder)], Interval, time, logger, ReloadAsync, waitsForRest: true);
        _listed = folder is null ? [] : [.. BlockedConsumers.Read(folder)];
    }

    /// <summary>Ends the sessions of a consumer that was not blocked before.</summary>
    internal Func<PublicKey, Task>? Blocked { get; set; }

    internal IReadOnlySet<PublicKey> Keys => _ofThisRun.Union(_listed);

    // In this order, as above: a key that moves from one set to the other is in the one or in both.
    internal bool Contains(PublicKey key) => _ofThisRun.Contains(key) || _listed.Contains(key);

    /// <summary>Begins to watch the list.</summary>
    internal void Start() => _poll.Start();

    /// <summary>Blocks a consumer, and ends its sessions.</summary>
    internal async Task BlockAsync(PublicKey key)
    {
        Task ending = Task.CompletedTask;
        try
        {
            lock (_lock)
            {
                bool isNew = !Contains(key);
                _ofThisRun = _ofThisRun.Add(key);
                if (isNew) ending = EndAsync(key);
                if (_folder is null) return;
                // A list that has vanished is written anew, whole.
                BlockedConsumers.Add(_folder, File.Exists(BlockedConsumers.PathIn(_folder)) ? _ofThisRun : _listed.Union(_ofThisRun));
                _listed = _listed.Union(_ofThisRun);
                _ofThisRun = [];
            }
        }
        finally
        {
            await ending.ConfigureAwait(false);
        }
    }

    internal bool Unblock(PublicKey key)
    {
        lock (_lock)
        {
            bool was = Contains(key);
            if (_folder is not null) BlockedConsumers.Remove(_folder, key);
            _listed = _listed.Remove(key);
            _ofThisRun = _ofThisRun.Remove(key);
            return was;
        }
    }

    /// <summary>Ends the watch, and waits for the sessions that it is ending.</summary>
    public async ValueTask DisposeAsync()
    {
        await _poll.DisposeAsync().ConfigureAwait(false);
        await _endings.DrainAsync().ConfigureAwait(false);
    }

    // Never throws, and waits for nobody's last receipt: the next change of the list must be seen at once.
    private Task ReloadAsync()
    {
        lock (_lock)
        {
            ImmutableHashSet<PublicKey> before = _listed;
            try
            {
                // Nobody is let in by a slip of the pen, nor by a list that is gone.
                ImmutableHashSet<PublicKey> now = [.. BlockedConsumers.Read(_folder!)];
                if (!now.IsEmpty || before.IsEmpty || File.Exists(BlockedConsumers.PathIn(_folder!))) _listed = now;
                else SharingLog.ListKept(_logger, $"{BlockedConsumers.PathIn(_folder!)} is gone.");
            }
            catch (OverlayException e)
            {
                SharingLog.ListKept(_logger, e.Message);
            }

            foreach (PublicKey key in _listed.Except(before).Except(_ofThisRun))
            {
                Task ending = EndAsync(key);
                _endings.Run(() => ending);
            }
        }

        return Task.CompletedTask;
    }

    private Task EndAsync(PublicKey key)
    {
        SharingLog.ConsumerBlocked(_logger, key);
        return Blocked?.Invoke(key) ?? Task.CompletedTask;
    }
}
