namespace Overlay.Transport;

/// <summary>Tasks that outlive the call that began them. Their owner awaits them all when it closes.</summary>
/// <remarks>The tasks handle their own failures; one that faults all the same surfaces from <see cref="DrainAsync"/>.</remarks>
internal sealed class BackgroundTasks
{
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _tasks = [];

    internal void Add(Task task)
    {
        lock (_lock)
        {
            if (task.IsCompletedSuccessfully) return;
            _tasks.Add(task);
        }

        _ = task.ContinueWith(
            static (done, state) =>
            {
                var self = (BackgroundTasks)state!;
                if (!done.IsCompletedSuccessfully) return;
                lock (self._lock) self._tasks.Remove(done);
            },
            this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Waits until none is left, those that were added meanwhile included.</summary>
    internal async Task DrainAsync()
    {
        while (true)
        {
            Task[] tasks;
            lock (_lock)
            {
                if (_tasks.Count == 0) return;
                tasks = [.. _tasks];
            }

            await Task.WhenAll(tasks).ConfigureAwait(false);
            lock (_lock) _tasks.ExceptWith(tasks);
        }
    }
}
