using System.Net;
using System.Net.Sockets;

namespace Overlay.Sharing;

/// <summary>The operating system's resolver.</summary>
/// <param name="maxConcurrentLookups">How many lookups may be with the operating system at once. Each may hold a thread of the pool.</param>
internal sealed class SystemNameResolver(int maxConcurrentLookups) : INameResolver
{
    // Counts lookups that the operating system still works on, including those whose asker has left: on most systems they cannot be called back.
    private int _running;

    /// <inheritdoc/>
    public async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _running) > maxConcurrentLookups)
        {
            Interlocked.Decrement(ref _running);
            throw new SocketException((int)SocketError.TryAgain);
        }

        return await LookUpAsync(name, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<IPAddress[]> LookUpAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(name, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }
}
