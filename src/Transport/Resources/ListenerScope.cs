namespace Overlay.Transport.Resources;

/// <summary>A listener's claim on the budget: its socket.</summary>
internal sealed class ListenerScope(ResourceBudget budget, ResourceUsage claim) : IDisposable
{
    private bool _isDisposed;

    /// <summary>Gives the socket back. Idempotent.</summary>
    public void Dispose()
    {
        lock (budget.Gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            budget.Node.Remove(claim);
        }
    }
}
