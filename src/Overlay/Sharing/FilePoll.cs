using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;

namespace Overlay.Sharing;

/// <summary>Looks at a few files at an interval and tells when one has changed, come or gone. Owns its loop, which is awaited when it is disposed of.</summary>
/// <param name="paths">The files.</param>
/// <param name="interval">How often.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where it is told that a change could not be dealt with.</param>
/// <param name="changed">Called on the loop, which goes on when it throws.</param>
/// <param name="waitsForRest">Tells of a change only when two looks in a row have seen the same: a file that somebody is still writing is not
/// read by half.</param>
internal sealed class FilePoll(
    IReadOnlyList<string> paths, TimeSpan interval, TimeProvider time, ILogger logger, Func<Task> changed, bool waitsForRest = false) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private (DateTime, long)[] _told = [.. paths.Select(Look)];
    private (DateTime, long)[] _before = [];
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

    /// <summary>Looks once. The loop's own work.</summary>
    internal async Task LookAsync()
    {
        (DateTime, long)[] now = [.. paths.Select(Look)];
        bool isAtRest = !waitsForRest || now.AsSpan().SequenceEqual(_before);
        _before = now;
        if (!isAtRest || now.AsSpan().SequenceEqual(_told)) return;
        _told = now;
        try
        {
            await changed().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // What nobody thought of must not end the watch in silence.
            SharingLog.ChangeFailed(logger, string.Join(", ", paths), e);
        }
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false)) await LookAsync().ConfigureAwait(false);
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
            // Of a link, what it leads to counts.
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}
