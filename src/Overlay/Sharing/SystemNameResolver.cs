using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Overlay.Sharing;

/// <summary>The operating system's resolver.</summary>
/// <param name="maxConcurrentLookups">How many lookups may be with the operating system at once, where each may hold a thread of the pool. Others wait.</param>
/// <param name="lookUp">What asks the operating system; null for the platform's own.</param>
internal sealed class SystemNameResolver(int maxConcurrentLookups, Func<string, CancellationToken, Task<IPAddress[]>>? lookUp = null) : INameResolver
{
    // Taken by lookups that the operating system still works on, including those whose asker has left: on most systems they cannot be called back.
    // A place each, written by whoever begins; unlike a semaphore, nothing to dispose of.
    private readonly Channel<bool> _slots = Channel.CreateBounded<bool>(maxConcurrentLookups);

    /// <inheritdoc/>
    public async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await _slots.Writer.WriteAsync(true, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Nothing was asked yet: this says nothing about the name.
            throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
        }

        return await LookUpAsync(name, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<IPAddress[]> LookUpAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await (lookUp?.Invoke(name, cancellationToken) ?? Dns.GetHostAddressesAsync(name, cancellationToken)).ConfigureAwait(false);
        }
        finally
        {
            _slots.Reader.TryRead(out _);
        }
    }
}
