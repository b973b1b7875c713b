namespace Overlay.TestKit;

/// <summary>Waits for what other threads do: without sleeping, but not for ever.</summary>
public static class Patience
{
    // Far more than anything here takes, so that only what never comes is given up.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    /// <summary>Asks again and again.</summary>
    /// <param name="isSo">What is waited for.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="meanwhile">Done before each further question, such as letting a clock go on; null for nothing.</param>
    /// <exception cref="OperationCanceledException">It has not come about in a minute, or the wait was ended.</exception>
    public static async Task UntilAsync(Func<bool> isSo, CancellationToken cancellationToken, Action? meanwhile = null)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(s_limit);
        while (!isSo())
        {
            deadline.Token.ThrowIfCancellationRequested();
            meanwhile?.Invoke();
            await Task.Yield();
        }
    }
}
