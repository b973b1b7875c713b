using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;

namespace Overlay.Sharing;

/// <summary>The consumers that a running node does not serve: those of its folder's list, which is read anew when it changes, or of this run alone.</summary>
/// <remarks>Safe on several threads. The set is swapped whole.</remarks>
internal sealed class ConsumerBlocks : IAsyncDisposable
{
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly string? _folder;
    private readonly ILogger _logger;
    private readonly FilePoll _poll;
    private volatile ImmutableHashSet<PublicKey> _keys;

    /// <exception cref="OverlayException">The list cannot be read.</exception>
    internal ConsumerBlocks(string? folder, TimeProvider time, ILogger logger)
    {
        _folder = folder;
        _logger = logger;
        _poll = new FilePoll(folder is null ? [] : [BlockedConsumers.PathIn(folder)], Interval, time, ReloadAsync);
        _keys = folder is null ? [] : [.. BlockedConsumers.Read(folder)];
    }

    /// <summary>Ends the sessions of a consumer that was not blocked before.</summary>
    internal Func<PublicKey, Task>? Blocked { get; set; }

    internal IReadOnlySet<PublicKey> Keys => _keys;

    internal bool Contains(PublicKey key) => _keys.Contains(key);

    /// <summary>Begins to watch the list.</summary>
    internal void Start() => _poll.Start();

    /// <summary>Blocks a consumer, and ends its sessions.</summary>
    internal async Task BlockAsync(PublicKey key)
    {
        Task ending;
        lock (_lock)
        {
            bool isNew = !_keys.Contains(key);
            _keys = _keys.Add(key);
            ending = isNew ? EndAsync(key) : Task.CompletedTask;
            if (_folder is not null) BlockedConsumers.Add(_folder, key);
        }

        await ending.ConfigureAwait(false);
    }

    internal bool Unblock(PublicKey key)
    {
        lock (_lock)
        {
            bool was = _keys.Contains(key);
            if (_folder is not null) BlockedConsumers.Remove(_folder, key);
            _keys = _keys.Remove(key);
            return was;
        }
    }

    public ValueTask DisposeAsync() => _poll.DisposeAsync();

    private async Task ReloadAsync()
    {
        var ending = new List<Task>();
        lock (_lock)
        {
            ImmutableHashSet<PublicKey> before = _keys;
            try
            {
                _keys = [.. BlockedConsumers.Read(_folder!)];
            }
            catch (OverlayException e)
            {
                // Nobody is let in by a slip of the pen.
                SharingLog.ListKept(_logger, e.Message);
            }

            foreach (PublicKey key in _keys.Except(before)) ending.Add(EndAsync(key));
        }

        await Task.WhenAll(ending).ConfigureAwait(false);
    }

    private Task EndAsync(PublicKey key)
    {
        SharingLog.ConsumerBlocked(_logger, key);
        return Blocked?.Invoke(key) ?? Task.CompletedTask;
    }
}
