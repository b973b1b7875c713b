namespace Overlay;

/// <summary>Tasks that outlive the call that began them; their owner awaits them when it closes. They handle their own failures.</summary>
internal sealed class TaskSet
{
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _tasks = [];

    /// <summary>How many run.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _tasks.Count;
        }
    }

    internal void Run(Func<Task> work)
    {
        Task task = Task.Run(work);
        lock (_lock)
        {
            if (task.IsCompleted) return;
            _tasks.Add(task);
        }

        _ = task.ContinueWith(
            static (done, state) => ((TaskSet)state!).Forget(done), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    internal async Task DrainAsync()
    {
        while (true)
        {
            Task[] tasks;
            lock (_lock) tasks = [.. _tasks];
            if (tasks.Length == 0) return;
            await Task.WhenAll(tasks).ConfigureAwait(false);
            lock (_lock) _tasks.ExceptWith(tasks);
        }
    }

    private void Forget(Task done)
    {
        lock (_lock) _tasks.Remove(done);
    }
}
