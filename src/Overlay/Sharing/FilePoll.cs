namespace Overlay.Sharing;

/// <summary>Looks at a few files at an interval and tells when one has changed, come or gone. Owns its loop, which is awaited when it is disposed of.</summary>
/// <param name="paths">The files.</param>
/// <param name="interval">How often.</param>
/// <param name="time">The clock.</param>
/// <param name="changed">Called on the loop; must not throw.</param>
internal sealed class FilePoll(IReadOnlyList<string> paths, TimeSpan interval, TimeProvider time, Func<Task> changed) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly (DateTime, long)[] _seen = [.. paths.Select(Look)];
    private Task _loop = Task.CompletedTask;

    /// <summary>Begins. Changes since it was made are told.</summary>
    internal void Start()
    {
        if (paths.Count > 0) _loop = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                bool isNew = false;
                for (int i = 0; i < paths.Count; i++)
                {
                    (DateTime, long) now = Look(paths[i]);
                    isNew |= now != _seen[i];
                    _seen[i] = now;
                }

                if (isNew) await changed().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Being disposed of.
        }
    }

    /// <summary>What tells one state of a file from another. A file that cannot be looked at is one that is not there.</summary>
    internal static (DateTime WrittenAt, long Size) Look(string path)
    {
        var file = new FileInfo(path);
        try
        {
            return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}
