namespace Overlay.TestKit.HostilePeers;

/// <summary>What a misbehaviour and whoever runs it know of each other: a clock, and how far the misbehaviour has come.</summary>
/// <param name="time">The clock of slow misbehaviours: the real one, or one that a test moves.</param>
/// <param name="roundEnded">Told of each round that ends; or null.</param>
public sealed class Stage(TimeProvider time, Action? roundEnded = null)
{
    private readonly TaskCompletionSource _inFullSwing = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _roundCount;

    /// <summary>Completes when the misbehaviour has done for the first time what it is about.</summary>
    public Task InFullSwing => _inFullSwing.Task;

    /// <summary>How often it has begun again, each time because it was over or the host had ended it.</summary>
    public int RoundCount => Volatile.Read(ref _roundCount);

    /// <summary>The misbehaviour does what it is about.</summary>
    public void Reached() => _inFullSwing.TrySetResult();

    /// <summary>Waits a while between two steps of something slow.</summary>
    public Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken) => Task.Delay(pause, time, cancellationToken);

    internal void EndRound()
    {
        Interlocked.Increment(ref _roundCount);
        roundEnded?.Invoke();
    }
}
